"""What was measured, as text and as plain values for JSON."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from limits.counts import LabelTotal
from limits.labels import AS_SETTINGS
from limits.measuring import AGREEMENT, COMPARED, Limits
from mmdrs.evaluation.records.record import per_class
from mmdrs.evaluation.records.table import render_table

#: Version of the JSON file.
FORMAT = 1
NOTE = """\
mIoU of the labels before pixels are ignored, and wrong pixels in percent of all scored ones:
over-wide, background labelled as an object; missing, objects labelled as background; confused,
objects labelled as another class. true saliency: the background cue is the true foreground. true
classes: the extent of the labels, with the true class where it is an object. all salient: map
threshold 0. saliency only: every salient pixel has the image's one class; compare with the row
above it."""
SWEPT = """\
mIoU with one value of the rules replaced. Which is best is known from ground truth only: no row is
a result. Constants below the map threshold act as it."""
AGREED = """\
Scored pixels where the labels of both maps agree and where they differ. The mIoU of a part is that
of other, easier pixels: compare its accuracy."""
_ERROR_NAMES = dict(over_wide='over-wide', missing='missing', confused='confused')


def limits_text(found: Limits, classes: Sequence[str], recorded: Mapping[str, float]) -> str:
    """All tables.

    Args:
        found: What was measured.
        classes: Class names, background first.
        recorded: mIoU of the labels in the records of the pipeline, by map stage.
    """
    stages = list(found.limits)
    parts = [_limit_table(name, found.limits[name]) for name in stages] + [NOTE]
    parts += [line for name in stages for line in _differences(name, found, recorded)]
    parts += [_sweep_table(found), SWEPT, _class_table(found, classes), _error_table(found)]
    if found.agreement:
        parts += [_agreement_table(found), AGREED]
    return '\n\n'.join(parts)


def _limit_table(stage: str, totals: Mapping[str, LabelTotal]) -> str:
    rows = [
        [name, total.images, _shown(total.counts.miou())]
        + [_shown(value) for value in total.errors.percent(total.pixels).values()]
        for name, total in totals.items()
    ]
    return render_table([stage, 'images', 'mIoU', *_ERROR_NAMES.values()], rows, left=1)


def _differences(stage: str, found: Limits, recorded: Mapping[str, float]) -> list[str]:
    """A line where the labels do not score what the pipeline has recorded."""
    score = round(found.limits[stage][AS_SETTINGS].counts.miou(), 2)
    if stage not in recorded or abs(score - recorded[stage]) < 0.011:  # a digit of the rounding
        return []
    return [
        f'Beware: the labels of {stage} score {score}, the pipeline recorded {recorded[stage]}: '
        'masks or saliency maps have changed since'
    ]


def _sweep_table(found: Limits) -> str:
    rows = [
        [name, *(_shown(totals[name].counts.miou()) for totals in found.sweeps.values())]
        for name in next(iter(found.sweeps.values()))
    ]
    own = [_shown(totals[AS_SETTINGS].counts.miou()) for totals in found.limits.values()]
    headings = ['chosen on ground truth', *found.sweeps]
    return render_table(headings, [[AS_SETTINGS, *own], *rows], left=1)


def _class_table(found: Limits, classes: Sequence[str]) -> str:
    columns = [100 * totals[AS_SETTINGS].counts.iou() for totals in found.limits.values()]
    rows = [[name, *map(_shown, values)] for name, *values in zip(classes, *columns, strict=True)]
    return render_table(['IoU', *found.limits], rows, left=1)


def _error_table(found: Limits) -> str:
    columns = [_error_shares(totals[AS_SETTINGS]) for totals in found.limits.values()]
    rows = [
        [text, *(_shown(shares[kind]) for shares in columns)]
        for kind, text in _ERROR_NAMES.items()
    ]
    return render_table(['percent of all errors', *found.limits], rows, left=1)


def _agreement_table(found: Limits) -> str:
    pixels = _compared_pixels(found)
    rows = [
        [name, _shown(100 * total.pixels / max(pixels, 1)), _shown(total.counts.miou())]
        + [_shown(total.accuracy)]
        for name, total in found.agreement.items()
    ]
    for name in COMPARED:
        total = found.limits[name][AS_SETTINGS]
        rows.append([f'{name}, all', '100.0', _shown(total.counts.miou()), _shown(total.accuracy)])
    return render_table([' and '.join(COMPARED), 'pixels', 'mIoU', 'accuracy'], rows, left=1)


def limits_content(
    found: Limits, classes: Sequence[str], recorded: Mapping[str, float]
) -> dict[str, Any]:
    """All that was measured as plain values; scores in percent, None where there is none.

    Args:
        found, classes, recorded: As of :func:`limits_text`.
    """
    content = dict(format=FORMAT, stages={})
    for name, totals in found.limits.items():
        own = totals[AS_SETTINGS]
        content['stages'][name] = dict(
            recorded=recorded.get(name),
            limits={row: _plain(total) for row, total in totals.items()},
            chosen_on_ground_truth={
                row: _rounded(total.counts.miou()) for row, total in found.sweeps[name].items()
            },
            iou=per_class(classes, (100 * own.counts.iou()).tolist()),
            error_shares={kind: _rounded(share) for kind, share in _error_shares(own).items()},
        )
    if found.agreement:
        content['agreement'] = {
            name: dict(
                pixels=_rounded(100 * total.pixels / max(_compared_pixels(found), 1)),
                mIoU=_rounded(total.counts.miou()),
                accuracy=_rounded(total.accuracy),
            )
            for name, total in found.agreement.items()
        }
    return content


def _plain(total: LabelTotal) -> dict[str, Any]:
    errors = {kind: _rounded(v) for kind, v in total.errors.percent(total.pixels).items()}
    return dict(images=total.images, mIoU=_rounded(total.counts.miou()), errors=errors)


def _error_shares(total: LabelTotal) -> dict[str, float]:
    """Each kind of error in percent of all errors."""
    return total.errors.percent(sum(total.errors))


def _compared_pixels(found: Limits) -> int:
    agree, differ = AGREEMENT[:2]
    return found.agreement[agree].pixels + found.agreement[differ].pixels


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 2)


def _shown(value: float) -> str:
    return '-' if math.isnan(value) else f'{value:.1f}'
