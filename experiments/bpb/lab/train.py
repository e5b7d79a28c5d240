"""A language model of bytes in NumPy, trained for a few seconds: this is the file to improve.

    python train.py            trains, and leaves model.npz
    python train.py predict    reads the bytes before each position from stdin, writes 256 float32 for each to stdout

The model: the last CONTEXT bytes, an embedding of each, side by side into DEPTH layers of WIDTH, then scores for the
next byte. What stands between the marks may be replaced, and so may the constants.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from prepare import BYTES, PAST, SECONDS, SEED, Ids, clock, read_text

Floats = NDArray[np.float32]
Tensors = dict[str, Floats]

# Size
CONTEXT = 6
EMBEDDING = 8
WIDTH = 64
DEPTH = 1
# Training
BATCH = 64
LEARNING_RATE = 0.1
MOMENTUM = 0.9
SECOND_MOMENT = 0.99
WARM_UP = 0.0
FINAL_RATE = 0.1
WEIGHT_DECAY = 0.0
CLIP = 10.0
INIT_SCALE = 1.0


# ratchet: begin activation
def activate(x: Floats) -> Floats:
    return np.maximum(x, 0)


def slope(x: Floats, y: Floats) -> Floats:
    """The derivative of `activate` at `x`, where it is `y`."""
    return (x > 0).astype(np.float32)


# ratchet: end activation


# ratchet: begin normalisation
def normalise(x: Floats) -> tuple[Floats, Floats]:
    """`x` as the next layer gets it, and what `unnormalise` needs to know."""
    return x, x


def unnormalise(gradient: Floats, y: Floats, scale: Floats) -> Floats:
    """The gradient at the input of `normalise`, from that at its output `y`."""
    return gradient


# ratchet: end normalisation


# ratchet: begin schedule
def rate(progress: float) -> float:
    """The learning rate as a share of LEARNING_RATE, after `progress` (0 to 1) of the time and of the warm-up."""
    return 1.0


# ratchet: end schedule


# ratchet: begin optimizer
def step(weights: Tensors, gradients: Tensors, memory: Tensors, rate: float, count: int) -> None:
    """One update of all weights, in place; `memory` is the optimizer's own, empty at first."""
    for name, gradient in gradients.items():
        speed = memory.setdefault(name, np.zeros_like(gradient))
        speed *= MOMENTUM
        speed += gradient
        weights[name] *= 1.0 - rate * WEIGHT_DECAY
        weights[name] -= rate * speed


# ratchet: end optimizer


# ratchet: begin output
def scores_of(weights: Tensors, hidden: Floats, past: Ids) -> Floats:
    """Scores of the next byte from the last layer and the bytes before."""
    return hidden @ weights["out"] + weights["bias"]


def from_scores(weights: Tensors, hidden: Floats, past: Ids, error: Floats, gradients: Tensors) -> Floats:
    """The gradient at `hidden`, from that at the scores; puts those of the weights into `gradients`."""
    gradients["out"] = hidden.T @ error
    gradients["bias"] = error.sum(axis=0)
    return error @ weights["out"].T


def output_weights(rng: np.random.Generator) -> Tensors:
    return {"out": drawn(rng, WIDTH, BYTES), "bias": np.zeros(BYTES, np.float32)}


# ratchet: end output


def first_weights(rng: np.random.Generator) -> Tensors:
    """All weights before training."""
    weights: Tensors = {"embedding": rng.standard_normal((BYTES, EMBEDDING), np.float32) * np.float32(0.3)}
    for layer in range(DEPTH):
        rows = CONTEXT * EMBEDDING if layer == 0 else WIDTH
        weights[f"w{layer}"] = drawn(rng, rows, WIDTH)
        weights[f"b{layer}"] = np.zeros(WIDTH, np.float32)
    return {**weights, **output_weights(rng)}


def drawn(rng: np.random.Generator, rows: int, columns: int) -> Floats:
    return rng.standard_normal((rows, columns), np.float32) * np.float32(INIT_SCALE / np.sqrt(rows))


def forward(weights: Tensors, past: Ids) -> tuple[Floats, list[tuple[Floats, ...]]]:
    """The last layer for a batch of CONTEXT bytes each, and what `backward` needs of each layer. From the second layer
    on, a layer adds to what comes in."""
    x, kept = weights["embedding"][past].reshape(len(past), -1), []
    for layer in range(DEPTH):
        normal, scale = normalise(x) if layer else (x, x)
        inner = normal @ weights[f"w{layer}"] + weights[f"b{layer}"]
        y = activate(inner)
        kept.append((normal, scale, inner, y))
        x = x + y if layer else y
    return x, kept


def backward(weights: Tensors, past: Ids, kept: list[tuple[Floats, ...]], gradient: Floats, gradients: Tensors) -> None:
    """Gradients of the layers and of the embedding, from that at the last layer."""
    for layer in reversed(range(DEPTH)):
        normal, scale, inner, y = kept[layer]
        through = gradient * slope(inner, y)
        gradients[f"w{layer}"] = normal.T @ through
        gradients[f"b{layer}"] = through.sum(axis=0)
        below = through @ weights[f"w{layer}"].T
        gradient = gradient + unnormalise(below, normal, scale) if layer else below
    spread = gradients.setdefault("embedding", np.zeros_like(weights["embedding"]))
    np.add.at(spread, past.reshape(-1), gradient.reshape(-1, EMBEDDING))


def loss_gradients(weights: Tensors, past: Ids, truth: Ids) -> tuple[float, Tensors]:
    """The mean loss in bits on a batch, and the gradients of all weights."""
    hidden, kept = forward(weights, past)
    scores = scores_of(weights, hidden, past)
    scores -= scores.max(axis=1, keepdims=True)
    error = np.exp(scores)
    error /= error.sum(axis=1, keepdims=True)
    at = np.arange(len(truth))
    loss = -float(np.log2(error[at, truth] + 1e-12).mean())
    error[at, truth] -= 1.0
    error /= np.float32(len(truth))
    gradients: Tensors = {}
    gradient = from_scores(weights, hidden, past, error, gradients)
    backward(weights, past, kept, gradient, gradients)
    return loss, gradients


def clip(gradients: Tensors) -> None:
    """Scale gradients down, all together, when they are longer than CLIP."""
    length = float(np.sqrt(sum(float((gradient**2).sum()) for gradient in gradients.values())))
    if length > CLIP:
        for gradient in gradients.values():
            gradient *= np.float32(CLIP / length)


def train() -> None:
    rng = np.random.default_rng(SEED)
    text = read_text(held_out=False)
    windows = np.lib.stride_tricks.sliding_window_view(text, CONTEXT + 1)
    weights, memory = first_weights(rng), Tensors()
    began, count, loss = clock(), 0, 8.0
    while (progress := (clock() - began) / SECONDS) < 1.0:
        batch = windows[rng.integers(len(windows), size=BATCH)]
        now, gradients = loss_gradients(weights, batch[:, :-1], batch[:, -1])
        clip(gradients)
        warm = min(1.0, progress / WARM_UP) if WARM_UP else 1.0
        count += 1
        step(weights, gradients, memory, LEARNING_RATE * warm * rate(progress), count)
        loss += 0.02 * (now - loss)
    np.savez("model.npz", **weights)
    print(f"{count} steps of {BATCH}; training loss {loss:.3f} bits")


def predict() -> None:
    with np.load("model.npz", allow_pickle=False) as file:
        weights = {name: file[name] for name in file.files}
    past = np.frombuffer(sys.stdin.buffer.read(), dtype=np.uint8).reshape(-1, PAST)[:, PAST - CONTEXT :]
    for start in range(0, len(past), 1024):
        block = past[start : start + 1024]
        sys.stdout.buffer.write(scores_of(weights, forward(weights, block)[0], block).astype(np.float32).tobytes())


if __name__ == "__main__":
    predict() if sys.argv[1:] == ["predict"] else train()
