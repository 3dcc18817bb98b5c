# The paper's experiment, all stages:
#     torchrun --nproc_per_node 2 tools/pipeline.py configs/voc12/settings_voc12.py --launcher pytorch
# The stages' configs hold the recipe; the data are expected where MMSegmentation expects them.
# DeepLabV2 instead of DeepLabV3+:
#     --cfg-options stages.segmentation=../deeplab/deeplabv2-msc_r101-d8_1xb5-20k_voc12drs-321x321.py
data_root = 'data/VOCdevkit/VOC2012'
train_list = 'ImageSets/Segmentation/train_aug_cls_xml.txt'
val_list = None  # a list with image labels, to score maps and labels of the val images as well
num_workers = 4
pseudo_labels = dict(background_cue=dict(type='saliency', threshold=50), threshold=0.2)
seed = 0

stages = dict(
    plain_classifier='../drs/cam_vgg16_2xb5-15e_voc12-320x320.py',
    drs_classifier='../drs/drs-learnable_vgg16_2xb5-15e_voc12-320x320.py',
    refinement='../refine/refine_vgg16_2xb5-30e_voc12-320x320.py',
    segmentation='../deeplab/deeplabv3plus-plain_r101-d16_2xb16-20k_voc12drs-513x513.py',
)
