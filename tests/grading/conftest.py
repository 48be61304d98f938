"""The demonstration chapter's own tests are run by grading it, not by collecting them."""

collect_ignore = ["demo_chapter"]
