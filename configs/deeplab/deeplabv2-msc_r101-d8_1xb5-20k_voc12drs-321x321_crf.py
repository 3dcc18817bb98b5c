# For the test: scores with and without a dense CRF (pip install 'mmdrs[crf]'), in one run.
_base_ = './deeplabv2-msc_r101-d8_1xb5-20k_voc12drs-321x321.py'

test_evaluator = [
    dict(type='IoUMetric', iou_metrics=['mIoU']),
    dict(
        type='CRFIoUMetric',
        iou_metrics=['mIoU'],
        crf=dict(
            iterations=10,
            gaussian_weight=3,
            gaussian_sxy=1,
            bilateral_weight=4,
            bilateral_sxy=67,
            bilateral_srgb=3,
        ),
    ),
]
