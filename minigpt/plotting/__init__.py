"""Figures, all in one style, a file for each subject; each function returns a Figure and shows or saves nothing."""

from minigpt.plotting.attention import attention_map, heat_map, mask_panels
from minigpt.plotting.blocks import (
    block_diagram,
    depth_panels,
    fitted_curves,
    gelu_forms,
    layer_norm_steps,
    parameter_bars,
    runs_by_kind,
)
from minigpt.plotting.classification import accuracy_by_labels, class_bars, confusion_matrix, epoch_curves, listening
from minigpt.plotting.continual import accuracy_matrices
from minigpt.plotting.curves import scaling_curves
from minigpt.plotting.decoding import kept_tokens, residual_growth, temperature_curves
from minigpt.plotting.gradients import (
    chain_of_operations,
    errors_by_step,
    kink,
    secants,
    staircase,
    taylor_remainders,
)
from minigpt.plotting.history import sizes_by_year
from minigpt.plotting.in_context import accuracy_by_examples, beliefs, induction_onset, reliability_diagram
from minigpt.plotting.losses import (
    bits_by_context,
    descent_to_floor,
    loss_curve,
    pushes,
    spread_of_means,
    surprise_curve,
    two_curves,
    two_outcome_cross_entropy,
)
from minigpt.plotting.maps import dependency_map
from minigpt.plotting.methods import calibration_panels, lora_shapes, methods_chart, update_spectra
from minigpt.plotting.pictures import (
    curves_by_step,
    cut_picture,
    learned_and_kept,
    picture_grid,
    picture_rows,
    pictures_and_beliefs,
)
from minigpt.plotting.scaling import (
    allocations,
    floors_tried,
    loss_by_compute,
    loss_by_distance,
    power_law_check,
    reach,
)
from minigpt.plotting.sounds import (
    by_noise,
    mel_triangles,
    power_spectra,
    shares_side_by_side,
    spectrograms,
    tones_through_samples,
)
from minigpt.plotting.source import show_source
from minigpt.plotting.style import NotebookFigure, new_axes
from minigpt.plotting.tagging import score_bars, scores_by_place, tagged_sentences
from minigpt.plotting.text import next_token_bars, tokens_coloured
from minigpt.plotting.text_to_text import answer_probabilities, score_by_task, span_probabilities
from minigpt.plotting.tokens import movement_by_count, token_rows, utf8_bits
from minigpt.plotting.training import (
    loss_by_learning_rate,
    number_formats,
    operations_by_part,
    sums_on_a_ring,
    token_windows,
    training_curves,
    valley_paths,
)
from minigpt.plotting.uses import runs_side_by_side, stacked_shares
