"""Images, audio and text in one GPT."""
