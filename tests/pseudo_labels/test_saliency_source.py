"""What made the saliency maps: beside them, and in the rules of labels."""

from pathlib import Path

from mmdrs.pseudo_labels.saliency_source import read_source, with_source, write_source

SALIENCY = dict(background_cue=dict(type='saliency', threshold=50), threshold=0.1)


def test_source_of_a_folder_reaches_the_rules(tmp_path: Path) -> None:
    dataset = dict(data_root=str(tmp_path), data_prefix=dict(saliency_path='maps'))
    assert with_source(SALIENCY, dataset) == SALIENCY
    write_source(tmp_path / 'maps', 'rembg u2netp')
    assert read_source(tmp_path / 'maps') == 'rembg u2netp'
    cue = dict(type='saliency', threshold=50, source='rembg u2netp')
    assert with_source(SALIENCY, dataset) == dict(background_cue=cue, threshold=0.1)
    assert 'source' not in SALIENCY['background_cue']


def test_what_the_user_says_counts(tmp_path: Path) -> None:
    write_source(tmp_path, 'rembg u2netp')
    dataset = dict(data_prefix=dict(saliency_path=str(tmp_path)))
    for cue in (dict(type='saliency', source='CSNet'), dict(type='constant', value=0.3)):
        assert with_source(dict(background_cue=cue), dataset) == dict(background_cue=cue)
    assert with_source(SALIENCY, {}) == SALIENCY


def test_damaged_note_is_no_source(tmp_path: Path) -> None:
    for text in ('{', '[]', '{"source": 3}'):
        (tmp_path / 'saliency.json').write_text(text)
        assert read_source(tmp_path) == ''
