# The VGG-16 classifier of the paper, without DRS.
backbone = dict(
    type='DilatedVGG',
    init_cfg=[
        dict(type='Kaiming', layer='Conv2d', mode='fan_out', distribution='normal', bias=0),
        dict(
            type='Pretrained',
            checkpoint='https://download.pytorch.org/models/vgg16-397923af.pth',
        ),
    ],
)
model = dict(
    type='ImageLabelEncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size=(320, 320),
    ),
    backbone=backbone,
    decode_head=dict(type='CAMHead', in_channels=512, num_classes=21),
    test_cfg=dict(mode='whole'),
)
