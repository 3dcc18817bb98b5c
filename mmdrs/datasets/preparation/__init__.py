"""VOC 2012 from the archives that its authors publish."""
