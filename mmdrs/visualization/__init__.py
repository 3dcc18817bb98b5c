from mmdrs.visualization.contact_sheet import contact_sheet, heat_map, label_colours

__all__ = ['contact_sheet', 'heat_map', 'label_colours']
