# The paper's experiment, all stages:
#     torchrun --nproc_per_node 2 tools/pipeline.py configs/voc12/settings_voc12.py --launcher pytorch
# The stages' configs hold the recipe; these lines say what they share. DeepLabV2 instead of V3+:
#     --cfg-options stages.segmentation=mmdrs::deeplab/deeplabv2-msc_r101-d8_1xb5-20k_voc12drs-321x321.py
classes = (
    *(
        'background',
        'aeroplane',
        'bicycle',
        'bird',
        'boat',
        'bottle',
        'bus',
        'car',
        'cat',
        'chair',
    ),
    *('cow', 'diningtable', 'dog', 'horse', 'motorbike', 'person', 'pottedplant', 'sheep', 'sofa'),
    *('train', 'tvmonitor'),
)
dataset_name = None  # of records: VOC 2012
data_root = 'data/VOCdevkit/VOC2012'
train_list = 'ImageSets/Segmentation/train_aug_cls_xml.txt'
val_list = None  # a list with image labels, to score maps and labels of the val images as well
eval_list = 'ImageSets/Segmentation/val.txt'  # the segmentation network is scored on it
image_dir = 'JPEGImages'
image_suffix = '.jpg'
skip_broken = False
mask_dir = None  # SegmentationClassAug scores maps and labels as well
eval_mask_dir = 'SegmentationClass'
saliency_dir = 'saliency_map'
segments_dir = None
num_workers = 4
batch_size = None  # of each training; None: as in its config
refine_from = 'drs_maps'  # 'better' of the plain and the DRS maps; the paper does not compare
# The paper's saliency maps are PoolNet's. Name the source of yours if it is another: the records say
# it, and scores differ by it.
pseudo_labels = dict(
    background_cue=dict(type='saliency', threshold=50, source='PoolNet'), threshold=0.2
)
seed = 0

stages = dict(
    plain_classifier='mmdrs::drs/cam_vgg16_2xb5-15e_voc12-320x320.py',
    drs_classifier='mmdrs::drs/drs-learnable_vgg16_2xb5-15e_voc12-320x320.py',
    refinement='mmdrs::refine/refine_vgg16_2xb5-30e_voc12-320x320.py',
    segmentation='mmdrs::deeplab/deeplabv3plus-plain_r101-d16_2xb16-20k_voc12drs-513x513.py',
)
