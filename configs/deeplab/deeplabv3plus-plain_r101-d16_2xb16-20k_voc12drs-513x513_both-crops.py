# For the test, with --tta: whole images and the released centre crops (short side 513), both
# scored in one run: mIoU and centre/mIoU.
_base_ = './deeplabv3plus-plain_r101-d16_2xb16-20k_voc12drs-513x513.py'

tta_model = dict(type='ViewsTTA')
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Compose', transforms=[]),
                dict(
                    type='Compose',
                    transforms=[
                        dict(
                            type='Resize',
                            scale=(100000, 513),
                            keep_ratio=True,
                            backend='pillow',
                        ),
                        dict(type='CenterCrop', crop_size=(513, 513)),
                        dict(type='SetOutputShape'),
                    ],
                ),
            ],
            [dict(type='PackSegInputs')],
        ],
    ),
]
test_evaluator = [
    dict(type='SegmentationMetric', iou_metrics=['mIoU']),
    dict(
        type='SegmentationMetric',
        iou_metrics=['mIoU'],
        view=2,
        crop='centre crop 513 x 513',
        prefix='centre',
    ),
]
