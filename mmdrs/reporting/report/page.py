"""The page: its sections, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmdrs.engine import format_seconds
from mmdrs.pipeline.results import NOTE
from mmdrs.reporting.report import tables
from mmdrs.reporting.report.assets import SCRIPT, STYLE
from mmdrs.reporting.report.cards import colour_legend
from mmdrs.reporting.report.charts import Chart, svg
from mmdrs.reporting.report.figures import THRESHOLD, Figures
from mmdrs.reporting.report.html import Html, tag
from mmdrs.reporting.report.samples import LABEL_STAGES, Split
from mmdrs.reporting.report.work_dir import WorkDir

#: The page may ask for nothing, wherever it is opened.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
NO_MASKS = 'There is no ground truth for these images: this needs masks.'


@dataclass(frozen=True)
class Content:
    """What goes into the page.

    Attributes:
        work_dir: The work directory.
        split: Its images.
        figures: Their figures.
        cards: Cards of the images shown.
        card_classes: The classes that occur on them, from 1.
        ranked_by: The stage whose scores order them; None where nothing does.
        threshold_charts: Curves by threshold.
        training_charts: Losses and rates, by stage.
    """

    work_dir: WorkDir
    split: Split
    figures: Figures
    cards: Sequence[Html]
    card_classes: Sequence[int]
    ranked_by: str | None
    threshold_charts: Sequence[Chart]
    training_charts: Sequence[Chart]


def render(content: Content) -> str:
    """The page as a whole."""
    sections = {
        'summary': ('Summary', _summary(content)),
        'images': ('Images', _images(content)),
        'curves': ('Curves', _curves(content)),
        'classes': ('Classes', _classes(content)),
        'sizes': ('Sizes', _sizes(content)),
    }
    name = content.work_dir.path.resolve().name
    body = [
        _page_head(content, name),
        tag(
            'nav',
            tag('ul', [tag('li', tag('a', t, href=f'#{i}')) for i, (t, _) in sections.items()]),
            aria_label='Sections',
        ),
        tag(
            'main',
            [
                tag('section', tag('h2', title, id=f'{id_}-title'), parts, id=id_)
                for id_, (title, parts) in sections.items()
            ],
        ),
        tag('footer', 'Made by tools/analysis_tools/report.py of mmdrs.'),
        tag('script', Html(SCRIPT)),
    ]
    head = [
        tag('meta', charset='utf-8'),
        tag('meta', http_equiv='Content-Security-Policy', content=POLICY),
        tag('meta', name_='viewport', content='width=device-width, initial-scale=1'),
        tag('link', rel='icon', href='data:,'),
        tag('title', f'{name}: report of a pipeline run'),
        tag('style', Html(STYLE)),
    ]
    page = tag('html', tag('head', head), tag('body', body), lang='en')
    return f'<!DOCTYPE html>\n{page}\n'


def _page_head(content: Content, name: str) -> Html:
    stages = content.work_dir.stages.values()
    facts = [
        f'seed {content.work_dir.settings.get("seed")}',
        f'{len(content.split.classes) - 1} classes and background',
        f'{len(stages)} stages in {format_seconds(sum(stage.seconds for stage in stages))}',
        f'finished {max(stage.finished for stage in stages)}',
        f'images and figures below: the {len(content.split.samples)} of the '
        f'{content.split.name} list',
    ]
    return tag(
        'header',
        tag('h1', f'Report: {name}'),
        tag('p', ' · '.join(facts), class_='facts'),
        class_='page-head',
    )


def _summary(content: Content) -> list[Any]:
    work_dir = content.work_dir
    left_out = [*work_dir.left_out, *content.split.left_out]
    notice = None
    if left_out:
        items = [tag('li', tag('code', name), f': {reason}') for name, reason in left_out]
        notice = tag('div', 'Left out of this report:', tag('ul', items), class_='notice')
    scores = [tables.score_table(work_dir), tag('p', NOTE, class_='quiet')]
    if not work_dir.records:
        scores = [tag('p', 'Nothing was scored: there are no masks.')]
    settings = work_dir.settings.to_dict()
    return [
        notice,
        scores,
        tag('h3', 'Time'),
        tables.time_table(work_dir),
        tag('h3', 'Settings'),
        _main_settings(settings),
        tag('details', tag('summary', 'All settings'), tables.settings_table(settings)),
    ]


def _main_settings(settings: dict[str, Any]) -> Html:
    """The settings that tell most about a run, where it has them."""
    backbone, drs = settings.get('backbone') or {}, settings.get('drs') or {}
    cue = (settings.get('pseudo_labels') or {}).get('background_cue')
    pairs = {
        'classes': ', '.join(settings.get('classes', ())),
        'data': settings.get('data_root'),
        'backbone': backbone.get('type'),
        'DRS': ', '.join(f'{key} {value}' for key, value in drs.items()),
        'map scales': ', '.join(map(str, settings.get('map_scales', ()))),
        'background cue': ', '.join(f'{key} {value}' for key, value in (cue or {}).items()),
        'epochs': ', '.join(
            f'{key.removesuffix("_epochs")} {value}'
            for key, value in settings.items()
            if key.endswith('_epochs')
            # Settings may give epochs of a stage that they do not name.
            and (key != 'pretraining_epochs' or 'pretraining' in settings.get('stages', {}))
        ),
        'seed': settings.get('seed'),
    }
    rows = [[key, value] for key, value in pairs.items() if value not in (None, '')]
    return tables.table(['setting', 'value'], rows, 'What made it', 'wrapped', words=[1])


def _images(content: Content) -> list[Any]:
    shown, total = len(content.cards), len(content.split.samples)
    if not shown:
        return [tag('p', 'No images were asked for.')]
    if content.ranked_by is None:
        told = f'The first {shown} of {total} images; without ground truth none is worst or best.'
    else:
        words = LABEL_STAGES[content.ranked_by]
        told = (
            f'{shown} of {total} images, those with the lowest and with the highest score of the '
            f'{words}: the mean IoU, in percent, over the classes that occur in the image or in '
            f'what was given for it; ignored pixels count as misses.'
        )
    legend = [tag('p', 'Maps: the highest over the classes, blue 0 to red 1.', class_='quiet')]
    return [
        tag('p', told),
        colour_legend(content.split),
        legend,
        _tools(content),
        tag('div', content.cards, id='cards'),
    ]


def _tools(content: Content) -> Html:
    names = content.split.classes
    classes = [
        tag('option', names[index], value=index)
        for index in content.card_classes
        if index < len(names)
    ]
    orders = dict(worst='worst first', best='best first', name='by name')
    if content.ranked_by is None:
        orders = dict(name='by name')
    options = [tag('option', words, value=value) for value, words in orders.items()]
    every = tag('option', 'all', value='')
    return tag(
        'div',
        tag('label', 'Class ', tag('select', every, classes, id='by-class', autocomplete='off')),
        tag('label', 'Order ', tag('select', options, id='order', autocomplete='off')),
        tag('span', '', id='shown', class_='quiet', aria_live='polite'),
        id='tools',
        class_='tools',
        hidden=True,  # it does nothing without the script, which shows it
    )


def _curves(content: Content) -> list[Any]:
    parts: list[Any] = [tag('h3', 'Maps by threshold')]
    if content.threshold_charts:
        told = (
            'A pixel is foreground where its map reaches the threshold. Precision is the share of '
            'such pixels that lie on the object, recall the share of the objects that such pixels '
            f'cover. The dotted line is the fixed threshold {THRESHOLD}.'
        )
        parts += [tag('p', told, class_='quiet'), _charts(content.threshold_charts)]
    else:
        parts.append(tag('p', NO_MASKS if not content.split.has_masks else 'There are no maps.'))
    parts.append(tag('h3', 'Training'))
    drawn = {chart.name for chart in content.training_charts}
    silent = [
        name
        for name, done in content.work_dir.stages.items()
        if done.stage.kind == 'train' and f'{name}_loss' not in drawn
    ]
    if content.training_charts:
        parts.append(_charts(content.training_charts))
    if silent:
        parts.append(tag('p', f'Their folders hold no log: {", ".join(silent)}.'))
    return parts


def _charts(charts: Sequence[Chart]) -> Html:
    return tag('div', [svg(chart) for chart in charts], class_='charts')


def _classes(content: Content) -> list[Any]:
    labels = content.figures.labels
    parts: list[Any] = []
    scored = {name: found for name, found in labels.items() if found.confusion is not None}
    if scored:
        note = 'Labels as they are in the files: ignored pixels count as misses (255=miss above).'
        parts += [tables.class_table(content.split, content.figures), tag('p', note)]
    else:
        why = (
            NO_MASKS
            if not content.split.has_masks
            else 'There are no labels with masks of one size.'
        )
        parts.append(tag('p', why))
    if 'pseudo_labels' in labels:
        share = 100 * labels['pseudo_labels'].ignored
        parts.append(tag('p', 'Ignored pixels of the pseudo labels: ', tag('b', f'{share:.2f} %')))
    for name, found in scored.items():
        parts += [
            tag('h3', f'Confusion, {LABEL_STAGES[name]}'),
            tables.confusion_table(content.split, found, LABEL_STAGES[name]),
        ]
    for name, found in labels.items():
        if found.unfit:
            told = f'{found.unfit} of another size than their masks do not count: '
            parts.append(tag('p', told, LABEL_STAGES[name]))
    return parts


def _sizes(content: Content) -> list[Any]:
    maps = content.figures.maps
    if not maps:
        return [tag('p', NO_MASKS if not content.split.has_masks else 'There are no maps.')]
    told = (
        'An object is all pixels of one class in one image. Small, medium and large are the '
        'thirds of the objects by their share of the image. Coverage: share of the objects where '
        f'the map of their class exceeds {THRESHOLD}. Over-activation: share of all that the map '
        'covers there which lies outside the object.'
    )
    return [tag('p', told), tables.size_table(maps)]
