"""Statistics of comparison tables: pure functions of who got which image right.

What this room promises:

* numbers in, numbers out: no ledger, no space, no drawing is known here;
* an interval is for a new run on new images of the same kind, the training images fixed; a run that stands alone is
  answered as such ("this run, new images") and decides nothing;
* seeds are never counted as images, nor images as seeds;
* every input has a defined answer: one setting, one seed, one image, ties, 0 and 100 %, runs that diverged, were pruned
  or are missing. What cannot be estimated is None with a reason, never NaN, and no warning is raised;
* the order of seeds, images and other settings changes nothing beyond rounding.
"""
