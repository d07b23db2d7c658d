"""The benchmarks: their pure functions, and that each rival computes what the oracle does."""

import doctest
import io
import json
from dataclasses import asdict, replace
from importlib import import_module

import keras
import numpy as np
import pytest
from rich.console import Console

import reference
from benchmarks import __main__ as command
from benchmarks import (
    first_step,
    growth,
    growth_figure,
    processes,
    report,
    settings,
    steps_figure,
    timing,
    training,
    verdicts,
    worker,
)
from benchmarks.data import make
from benchmarks.implementations import prepared
from benchmarks.implementations.broadcast import pairwise_distance
from benchmarks.implementations.fitting import fitted, in_parts
from benchmarks.quality.peers import COMMITMENT
from reference.gradients import alpha_gradient, beta_gradient, coulomb_gradient

MODULES = ["agreement", "growth", "machine", "memory", "report", "timing", "verdicts"]
MODULES += ["implementations.election", "implementations.fitting"]
FAISS = "FAISS"  # in no extra that the tests install


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_hold(name):
    results = doctest.testmod(import_module(f"benchmarks.{name}"))
    assert results.attempted > 0
    assert results.failed == 0


def small(name):
    everything = settings.settings() + training.settings() + training.first_steps()
    (setting,) = [one for one in everything if one.name == name]
    return settings.without(settings.reduced(setting), [FAISS, "broadcast, XLA"])


@pytest.mark.parametrize("norm", settings.NORMS)
def test_every_rival_and_ours_look_up_what_the_oracle_does(norm):
    setting = small(f"vqvae-lookup-{norm}")
    data = make(setting)
    oracle = reference.vector_quantization(data.vectors[None], data.emb_space, lookup_ord=setting.lookup_ord)
    for name in ("ours", *setting.rivals):
        (emb_index,) = prepared(name, setting)(data)()
        np.testing.assert_array_equal(emb_index, oracle.emb_index.ravel())


@pytest.mark.parametrize("norm", settings.NORMS)
def test_the_distances_of_the_formula_are_the_oracles(norm):
    data = make(small(f"published-lookup-{norm}"))
    oracle = reference.distances.pairwise_distance(data.vectors[None], data.emb_space, settings.NORMS[norm])
    formula = pairwise_distance(data.vectors, data.emb_space, settings.NORMS[norm])
    np.testing.assert_allclose(formula, oracle[0], rtol=1e-6)


@pytest.mark.parametrize("name", ["published-training-L1", "coulomb-training"])
def test_the_training_steps_give_the_oracles_gradients(name):
    setting = small(name)
    data, norm = make(setting), setting.lookup_ord
    emb_index = reference.vector_quantization(data.vectors[None], data.emb_space, lookup_ord=norm).emb_index.ravel()
    vectors, emb_space = data.vectors.astype(float), data.emb_space.astype(float)
    to_emb_space = alpha_gradient(vectors, emb_space, emb_index, norm, settings.ALPHA)
    to_emb_space += beta_gradient(vectors, emb_space, norm, settings.BETA)
    to_emb_space += coulomb_gradient(emb_space, norm, setting.gamma)
    for implementation in ("ours", "broadcast"):
        gradients = prepared(implementation, setting)(data)()
        np.testing.assert_array_equal(gradients[0], data.upstream)
        np.testing.assert_allclose(gradients[1], to_emb_space, rtol=1e-4, atol=1e-9)


def test_every_rival_and_ours_elect_what_the_oracle_does():
    setting = replace(small("knn-vote"), n=400)
    data = make(setting)
    oracle = reference.cosine_knn_vector_quantization(
        data.x[:, None], data.emb_labels, settings.NUM_CLASSES, settings.K, data.emb_space
    )
    for name in ("ours", *setting.rivals):
        (emb_index,) = prepared(name, setting)(data)()
        np.testing.assert_array_equal(emb_index, oracle.emb_index.ravel())


def test_the_gradients_of_the_default_steps_pull_the_vectors_to_so_many_embeddings():
    setting = replace(small("first-4096x32-keras.io"), batch=(64, 32), n=4)
    data = make(setting)
    data = data._replace(upstream=np.zeros_like(data.x))
    for implementation in ("ours", "keras.io"):
        to_x, *_ = prepared(implementation, setting)(data)()
        rows = data.x - to_x * data.x.size / (2 * COMMITMENT)
        same = np.abs(rows[:, None] - rows).max(axis=-1) < 1e-4  # 100 times what rounding does to numbers about 1
        assert 1 < len(np.unique(same.argmax(axis=-1))) <= setting.n


def test_a_training_step_puts_out_what_the_lookup_does_and_learns_then():
    setting = small("update-4096x32")
    data = make(setting)
    oracle = reference.vector_quantization(data.vectors[None], data.emb_space, lookup_ord=setting.lookup_ord)
    rows = data.emb_space[oracle.emb_index.ravel()]
    for name in ("lookup", "moving averages", "with dead codes"):
        call = prepared(name, setting)(data)
        np.testing.assert_array_equal(call()[0], rows)
        assert (call()[0] == rows).all() == (name == "lookup")


class Counting(keras.layers.Layer):
    """Counts the passes of training."""

    def build(self, _input_shape):
        """Create the counter."""
        self.passes = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x, training=False):
        """Count, and return x."""
        if training:
            self.passes.assign_add(1.0)
        return x


def test_each_call_is_a_step_of_fit():
    setting, counting = small("fit-64x16-auto"), Counting()
    call = fitted(counting, setting, make(setting))
    assert counting.passes == 0
    for number in (1, 2, 3):
        assert call() == []
        assert counting.passes == number


def test_an_error_between_the_pauses_reaches_who_calls():
    def fails(pause):
        pause()
        raise KeyError("of the thread")

    call = in_parts(fails)
    call()
    with pytest.raises(KeyError, match="of the thread"):
        call()


def times(median):
    return {"first": 10 * median, "median": median, "lower": median, "upper": median, "calls": 3}


def result(rival="broadcast", ours=0.01, peak=100.0, agreement=1.0):
    return {
        "times": {"ours": times(ours), rival: times(0.3), "ceiling": times(0.02)},
        "agreement": {rival: agreement},
        "operations": {"ours": 100, "ceiling": 400},
        "memory": {name: {"over_import": peak, "over_data": peak} for name in ("ours", rival)},
        "vectors": 65_536,
        "embeddings": 1024,
        "d": 4,
        "ceiling": "loop",
        "targets": {rival: 25},
        "memory_limit": 150,
    }


def grown(power, memory=(50.0, 50.0)):
    sizes = [2**i for i in range(10, 16)]
    return {
        "size": "vectors",
        "sizes": sizes,
        "times": [times(1e-6 * size**power) for size in sizes],
        "memory_sizes": [1024, 32_768],
        "memory": [{"over_import": peak, "over_data": peak} for peak in memory],
    }


def first(ours, rival):
    steps = [{"cpu": cpu, "first": cpu / 2, "second": 0.02, "later": 0.01} for cpu in (ours, rival, ours / 2)]
    names = ["ours", "keras.io", settings.CACHED]
    return {"vectors": 4096, "embeddings": 512, "d": 32, "steps": dict(zip(names, steps, strict=True))}


def added(step):
    found = {"lookup": times(0.01), "moving averages": times(step)}
    memory = {name: {"over_import": 100.0, "over_data": 50.0} for name in found}
    return {
        **result(),
        "times": found,
        "agreement": {"moving averages": 1.0},
        "operations": {},
        "memory": memory,
        "ceiling": "",
        "targets": {"moving averages": 0},
        "at_most": {"moving averages": 1.6},
        "memory_limit": 0,
    }


STEPS = {
    "settings": {"update-little": added(0.015), "update-much": added(0.02)},
    "series": {},
    "first_steps": {"first-4096x32-keras.io-XLA": first(1.5, 0.5), "steps-64": first(12.5, 0.25)},
}
MACHINE = {"date": "2000-01-01", "cpu": "A 9000", "cores": 2, "memory_gb": 8.0, "load_at_start": 0.0, "python": "3"}
RESULTS = {
    "machine": {**MACHINE, "versions": {"numpy": "2"}},
    "settings": {"fast": result(), "slow": result("broadcast, XLA", ours=0.1, peak=200.0, agreement=0.5)},
    "series": {"growth-linear": grown(1.0), "growth-square": grown(2.0, memory=(1.0, 32.0))},
}


def test_targets_are_compared_with_what_was_measured():
    assert verdicts.summary(RESULTS) == [
        "4 of 8 targets met",
        "missed: slow, broadcast, XLA: 3, not ≥ 25",
        "missed: slow, ours: 200, not ≤ 150 MB",
        "missed: growth-square, time: 2, not 0.9…1.1",
        "missed: growth-square, memory: 1, not ≤ 0.1",
        "broadcast, XLA finds something else: slow",
    ]


def test_what_training_takes_is_compared_with_the_lookup_and_with_the_first_step_of_the_formula():
    assert verdicts.summary(STEPS) == [
        "2 of 4 targets met",
        "missed: update-much, moving averages: 2, not ≤ 1.6",
        "missed: steps-64, ours: 12.2, not ≤ 1.5 s",
    ]


def test_the_rate_is_compared_with_the_ceilings():
    assert verdicts.share_of_ceiling(result(), "ours") == pytest.approx((100 / 0.01) / (400 / 0.02))


def printed(table):
    text = io.StringIO()
    Console(width=80, file=text).print(table)
    return text.getvalue()


def words(line):
    return " ".join(line.split())


def test_the_tables_fit_eighty_columns():
    first, second, last = report.sections(RESULTS)
    *_, ours, rival = printed(report.rich_table(second)).splitlines()
    assert words(ours) == "ours 100 ±0% 1.00 ≤ 150 MB missed 200 1.00 5%"
    assert words(rival) == "broadcast, XLA 300 ±0% 3.00 ≥ 25 missed 200 3.00 50% 2%"
    title, *_, ours, rival = printed(report.rich_table(first)).splitlines()
    assert title.strip() == "fast: 65,536 vectors of 4, 1,024 embeddings; loop 0 Gop/s"
    assert words(ours) == "ours 10 ±0% 1.00 ≤ 150 MB met 100 0.10 50%"
    assert words(rival) == "broadcast 300 ±0% 30.00 ≥ 25 met 100 3.00 100% 2%"
    *_, linear, square = printed(report.rich_table(last)).splitlines()
    assert linear.split() == [
        "linear",
        "1,024…32,768",
        "1.00",
        "0.9…1.1",
        "met",
        "0.00",
        "≤",
        "0.1",
        "met",
        "50,",
        "50",
    ]
    assert square.split() == [
        "square",
        "1,024…32,768",
        "2.00",
        "0.9…1.1",
        "missed",
        "1.00",
        "≤",
        "0.1",
        "missed",
        "1,",
        "32",
    ]


def test_the_tables_of_training_fit_eighty_columns():
    little, _, last = report.sections(STEPS)
    title, first_line, second_line, _, lookup, step = printed(report.rich_table(little)).splitlines()
    assert title.strip() == "update-little: 65,536 vectors of 4, 1,024 embeddings"
    assert words(first_line) == "× peak first"
    assert words(second_line) == "ms lookup target MB s agrees ceiling"
    assert words(lookup) == "lookup 10 ±0% 1.00 100 0.10"
    assert words(step) == "moving averages 15 ±0% 1.50 ≤ 1.6 met 100 0.15 100%"
    *_, ours, rival, cached = printed(report.rich_table(last)).splitlines()[:-3]
    assert words(ours) == "4096x32-keras.io-XLA ours 1.50 ≤ 1.5 s met 0.75 20 10"
    assert words(rival) == "keras.io 0.50 0.25 20 10"
    assert words(cached) == "ours, cached 0.75 0.38 20 10"


def test_the_tables_take_the_place_of_those_before(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    for _ in range(2):
        report.write_between_marks(page, report.markdown(RESULTS))
    text = page.read_text()
    assert text.startswith(f"before\n{report.BEGIN}\n\n- 2000-01-01, A 9000, 2 cores used")
    assert text.endswith(f"\n{report.END}\nafter\n")
    assert "old" not in text
    assert text.count("| broadcast | 300 ±0% | 30.00 | ≥ 25 met | 100 | 3.00 | 100% | 2% |") == 1


def test_the_readme_has_the_place_for_the_tables():
    text = command.README.read_text()
    assert text.count(report.BEGIN) == text.count(report.END) == 1


@pytest.mark.parametrize(
    ("figure", "results"), [(growth_figure, RESULTS["series"]), (steps_figure, STEPS["first_steps"])]
)
def test_the_pictures_are_drawn(figure, results, tmp_path):
    figure.draw(results).savefig(tmp_path / "drawn.png")
    assert (tmp_path / "drawn.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("power", [0.0, 1.0, 1.5])
def test_the_exponent_of_a_power_is_found_where_small_sizes_cost_the_same(power):
    sizes = [2**i for i in range(10)]
    seconds = [max(size**power, 16**power) for size in sizes]
    assert growth.exponent(sizes, seconds) == pytest.approx(power)


def test_all_take_turns_and_all_calls_count():
    order = []
    seconds = timing.take_turns({name: lambda name=name: order.append(name) for name in "ab"}, budget=0.0)
    assert {name: len(own) for name, own in seconds.items()} == dict.fromkeys("ab", 30)
    assert "".join(order[2:]) == (10 * "a" + 10 * "b") * 3


def test_every_size_of_a_series_differs_and_the_largest_is_measured_for_memory():
    for series in growth.all_series():
        for one in (series, growth.reduced_series(series)):
            sizes = one.sizes(one.points)
            assert sizes == sorted(set(sizes))
            assert one.memory_points[-1] == one.points[-1]


def test_all_names_are_listed_once(capsys):
    assert command.main(["--list"]) == 0
    names = capsys.readouterr().out.split()
    assert len(names) == len(set(names))
    assert {"knn-vote", "fit-64x16-auto", "update-8192x64", "growth-knn-inputs", "steps-8192"} <= set(names)


@pytest.fixture
def unpinned(monkeypatch):
    monkeypatch.setattr(command.machine, "pin_to_cores", lambda _count: None)


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.usefixtures("unpinned")
def test_a_quick_run_prints_tables_and_writes_the_results(tmp_path, capsys):
    def ask(question, **arguments):  # where forks are to be fresh, from a process that is
        return (processes.ask if question == "first_steps" else worker.answer)(question, **arguments)

    names = "small-call", "growth-embeddings-4", "steps-64"
    arguments = ["--quick", *(f"--only={name}" for name in names), "--out", str(tmp_path)]
    assert command.main(arguments, ask=ask) == 0
    shown = capsys.readouterr().out
    assert "small-call: 8 vectors of 64, 48 embeddings" in shown
    assert "embeddings-4" in shown
    assert "steps-64" in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["growth.png", "results.json", "steps.png"]
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["settings"]["small-call"]["agreement"] == {"broadcast": 1.0}
    assert command.main(["--show", str(tmp_path / "results.json")]) == 0
    assert capsys.readouterr().out == shown


def test_a_rival_that_is_not_installed_is_a_one_line_error(monkeypatch, capsys):
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "faiss" else name)
    assert command.main(["--only", "knn-vote"]) == 1
    assert capsys.readouterr().err == "error: FAISS: not installed; pip install '.[bench]', or give --without FAISS\n"


def test_a_page_takes_only_a_full_run(capsys):
    with pytest.raises(SystemExit):
        command.main(["--readme", "--quick"])
    assert "full run" in capsys.readouterr().err


@pytest.mark.process
def test_a_process_of_its_own_measures_memory():
    setting = replace(small("vqvae-lookup-L1"), batch=(1024, 64), n=1024)
    peak = processes.ask("peak_memory", setting=asdict(setting), implementation="SciPy")
    assert 8 < peak["over_data"] < 16  # the distances: 1024² float64, of 8.4 MB
    assert peak["over_import"] > peak["over_data"]


@pytest.mark.process
def test_a_process_that_fails_says_why():
    with pytest.raises(processes.BenchmarkError, match=r"peak_memory vqvae-lookup-L1 none: [\s\S]*KeyError: 'none'"):
        processes.ask("peak_memory", setting=asdict(small("vqvae-lookup-L1")), implementation="none")


@pytest.mark.process
def test_first_steps_are_measured_beside_those_of_the_formula_and_those_that_were_compiled_before():
    steps = processes.ask("first_steps", setting=asdict(small("first-64x16-keras.io")), runs=1)["steps"]
    assert list(steps) == ["ours", "keras.io", settings.CACHED]
    assert all(seconds > 0 for own in steps.values() for seconds in own.values())


SEEN = []


def see():
    SEEN.append("something")
    return len(SEEN)


@pytest.mark.process
def test_what_one_fork_does_is_not_done_for_the_next():
    assert [first_step.in_fork(see) for _ in range(2)] == [1, 1]
    assert SEEN == []
