"""The command line: a file is called as its command. Stages are imported inside them, so that ``--help`` is quick."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit import __version__
from edgekit.cli import (
    adopt,
    backbones,
    bench,
    clean,
    crossval,
    data,
    demo,
    devices,
    evaluate,
    explain,
    info,
    predict,
    recipes,
    report,
    runtime,
    sweep,
    train,
    tta,
    tune,
    web,
)
from edgekit.cli.console import add_commands, interruptible
from edgekit.cli.data.simulate import simulate
from edgekit.runtime.payload import PAYLOAD_NAME

app = typer.Typer(
    name="edgekit",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Panels and colours would double the time that --help takes.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: edgekit demo",
)
_BENCH_EXAMPLES = """\
bench model.tflite --data photos --crops 1,3,5,10 --budget-ms 50

On two devices: --device local --device ssh://pi@kitchen --affinity big --cool-down 45C

Against an earlier one: --against old.bench.json --tolerance 10%

What a phone's app measured: edgekit bench model.tflite --from bench.zip
"""
_EVALUATE_EXAMPLES = """\
evaluate model.tflite --data photos --out report --slices camera,screen

On what a phone sent home: --data captures.zip
"""
add_commands(
    app,
    {
        demo.demo: "demo --out runs/demo",
        backbones.backbones: "backbones efficientnet_lite0 mobilenet_v2",
        recipes.recipes: "recipes texture frozen-vgg",
        train.finetune: "finetune photos --out runs/first --recipe texture",
        train.qat: "qat runs/first",
        train.convert: "convert runs/first --int8 --calibration runs/first/calibration",
        evaluate.evaluate: _EVALUATE_EXAMPLES,
        explain.explain: "explain model.tflite shelf.jpg --out explained",
        tta.tta: "tta float.tflite int8.tflite --data photos --out tta",
        crossval.crossval: "crossval photos --out runs/cv --folds 6",
        sweep.compare: "compare runs/cv-lite0 runs/cv-v2 --out comparison",
        sweep.sweep: "sweep sweep.toml --data photos --out runs/sweep --dry-run",
        bench.bench: _BENCH_EXAMPLES,
        report.report: "report runs/first evaluation --data photos --out report.html",
        tune.tune: "tune model.tflite --data photos --write tuned.tflite",
        clean.clean: "clean runs/first --dry-run",
        predict.predict: "predict model.tflite shelf.jpg more-photos/",
        adopt.adopt: "adopt model.tflite --labels labels.txt --out adopted.tflite",
        web.web: "web model.tflite --out page --serve",
        info.info: "info model.tflite",
        devices.devices: "devices ssh://pi@kitchen adb://R58M123ABC",
        devices.doctor: "doctor",
        runtime.runtime: f"runtime --out {PAYLOAD_NAME}",
    },
)
app.add_typer(data.app, name="data")
# Its former place, for one release; Typer warns.
app.command("simulate", hidden=True, deprecated=True)(interruptible(simulate))


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgekit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Put a photo classifier on a phone and prove what it costs there."""
