"""What the test of the documents runs in the place of a command, or does not run, and why."""

from pathlib import Path

from tests.pipeline_runs import tiny_options

#: So small that the whole pipeline takes some seconds.
TINY = ' '.join(
    f'"{option}"'
    for option in tiny_options(Path())
    if not option.startswith(('data_root', 'classes', 'train_list', 'val_list', 'seed', 'pseudo'))
)
_PLAIN = 'run/plain_classifier/plain-classifier_custom.py'
#: What is added to a command ('{}'), or stands in its place where it names what a reader chooses.
CHANGED = {
    'mmdrs init photos --out settings.py': '{} --checkpoint none --overwrite',
    'mmdrs init photos --out settings.py --overwrite': '{} --checkpoint none',
    'mmdrs run settings.py --work-dir run': f'{{}} --cfg-options {TINY}',
    'mmdrs run settings.py --work-dir run --cfg-options seed=1 segmentation_epochs=60': (
        f'{{}} {TINY} --to plain_classifier --work-dir run_1'
    ),
    'mmdrs run settings.py --work-dir run --cfg-options self_training.rounds=1': (
        f'{{}} "self_training.scales=(1.0,)" self_training.flip=False {TINY}'
    ),
    'mmdrs run settings.py --work-dir run --cfg-options segments_dir=../sam '
    'pseudo_labels.merge.type=SegmentMerging pseudo_labels.merge.source=SAM': (
        f'{{}} {TINY} --to pseudo_labels'
    ),
    'mmdrs doctor settings.py': f'{{}} --cfg-options {TINY}',
    'mmdrs score run/plain_maps/train --masks MASKS --classes background cat dog '
    '--saliency SALIENCY': (
        'mmdrs score maps --masks masks --dataset voc12 --saliency saliency --list val.txt'
    ),
    'mmdrs report work_dirs/demo': 'mmdrs report run',
    'mmdrs leaderboard work_dirs/run_0 work_dirs/run_1': 'mmdrs leaderboard work_dirs/labels',
    'mmdrs places CONFIG': 'mmdrs places mmdrs::custom/plain-classifier_custom.py',
    'mmdrs init tagged --format photo_tags --out settings_tagged.py': '{} --checkpoint none',
    'python tools/visualization/vis_drs.py IMAGE... CONFIG CHECKPOINT --out drs.png': (
        'python tools/visualization/vis_drs.py new_photo.jpg '
        'run/drs_classifier/drs-classifier_custom.py run/drs_classifier/epoch_2.pth --out drs.png'
    ),
    'python tools/visualization/gallery.py work_dirs/demo IMAGE...': (
        'python tools/visualization/gallery.py run new_photo.jpg --labels dog --out gallery.png'
    ),
    'python tools/visualization/gallery.py run photo_1.jpg photo_2.jpg --out gallery.png': (
        'python tools/visualization/gallery.py run new_photo.jpg --out gallery_2.png'
    ),
    f'python tools/make_pseudo_labels.py {_PLAIN} layercam labels': (
        f'python tools/make_pseudo_labels.py {_PLAIN} run/plain_maps/train labels_of_plain'
    ),
    'python tools/test.py CONFIG CHECKPOINT --out maps --cfg-options '
    "'test_cfg.scales=(1.0,0.5,1.5,2.0)' test_cfg.flip=True test_cfg.merge=sum": (
        f'python tools/test.py {_PLAIN} run/plain_classifier/epoch_2.pth --out summed '
        '--cfg-options "test_cfg.scales=(1.0,0.5)" test_cfg.flip=True test_cfg.merge=sum'
    ),
}
#: Run before the others, which use what these leave.
FIRST = (
    'mmdrs init photos --out settings.py',
    'mmdrs run settings.py --work-dir run',
    'mmdrs score labels --masks masks --dataset voc12',
)
#: Run if a module is installed: part of the command, module.
NEEDS = {'--format onnx': 'onnxscript'}
#: Commands that are not run, by how they begin, and why: their arguments are parsed, and the files
#: of the repository that they name must exist.
PARSED = {
    'mmdrs run configs/': 'trains on VOC 2012',
    'mmdrs run settings.py --work-dir run --launcher': 'needs several processes',
    'python tools/train.py': 'trains a network of full size',
    'python tools/test.py': 'needs data sets, networks of full size or several processes',
    'python tools/make_pseudo_labels.py': 'needs a data set or several processes',
    'python tools/pipeline.py': 'trains all stages on a data set',
    'python tools/benchmark.py': 'measures for minutes',
    'python tools/parity.py': 'the tests of tests/parity run it',
    'python tools/analysis_tools/ablate.py': 'trains several pipelines',
    'python tools/analysis_tools/mean_results.py': 'needs several finished runs',
    'python tools/analysis_tools/label_limits.py': 'needs a finished run with masks',
    'python tools/analysis_tools/voc_submission.py': 'needs the test images of VOC 2012',
    'python tools/dataset_converters/': 'needs the archives of VOC 2012',
    'python tools/visualization/gallery.py work_dirs/animals': 'needs networks trained on VOC',
    'python tools/model_converters/': 'needs a released checkpoint',
}
#: Words of arguments that stand for what a reader fills in.
PLACEHOLDERS = {'SETTINGS': 'seed=0'}
#: The same in blocks of Python.
PYTHON_CHANGED = {
    "_base_ = 'CONFIG'": "_base_ = 'mmseg::fcn/fcn_r50-d8_4xb2-40k_cityscapes-512x1024.py'",
}
#: Documents whose code runs in a folder of its own, below that of the made-up data.
FOLDERS = {
    'docs/extending.md': 'project',
    'docs/extending-heads.md': 'project',
    'docs/get_started.md': 'started',
}
