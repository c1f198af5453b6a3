"""What an agent is told before it sees a tool: what the service is for, the way through it, and how to cite."""

import textwrap

EXAMPLE = """\
name: smoothing
title: Does label smoothing help on the digits?
workload: classifier
fixed: {data: digits, epochs: 8}
space:
  loss.label_smoothing: {grid: [0, 0.1]}
seeds: [0, 1, 2]
report:
  baseline: 0
  margin: 0.02
  claims:
    - better: [0.1, 0]
"""

SEARCH_EXAMPLE = """\
name: rates
workload: classifier
fixed: {data: digits, epochs: 8}
space:
  optimizer.lr: {float: {low: 1.0e-4, high: 0.1, log: true}}
search:
  trials: 20
  confirm: {top: 2, seeds: 3, baseline: {optimizer.lr: 0.005}}
"""

INSTRUCTIONS = f"""\
This service trains models under controlled comparisons, and says what the runs may be taken for. Use it for questions
such as "does X help, and how sure are you". It never trains the same epoch twice, tells the price before it trains, and
judges claims by a paired analysis over seeds and examples. Do not judge by eye: a larger mean is no finding.

The way, one tool after another:

1. `settings`: the names of what can be varied.
2. Write a space file in YAML:

{textwrap.indent(EXAMPLE, "       ")}
   `name` is the study's: a new question gets a name of its own, and the same name goes on with it. `title` is the
   question. `fixed` holds settings that all runs have; each entry of `space` is an axis with the values that are
   compared, two axes or more in all combinations.
   `seeds` are the repetitions, and a verdict needs at least 3. `report.baseline` is a value of the axis.
   `report.claims` says BEFORE training what is claimed: `better: [a, b]` that a is better than b, `equal: [a, b]`
   (with `within: 0.02` beside it) that they differ by less than that. `margin` is the smallest difference that
   matters, a fraction for accuracies (0.02 is 2 points). Claim what you were asked about, before you have seen results.
   Without claims there are no verdicts.
   To look for a good setting among very many, give an axis a range in place of a grid:

{textwrap.indent(SEARCH_EXAMPLE, "       ")}
   What a search finds is a proposal, chosen by its luck as well; its confirm stage decides, the study "rates (confirm)"
   here.
3. `check`: mend every fault.
4. `plan`: epochs, time, and which difference these seeds can find; where that is too coarse for the question, take
   more seeds now.
5. `submit` runs exactly the seeds of the file. Or `judge` adds seeds until the claims are decided, at looks that are
   fixed beforehand: take it where "how sure" matters more than a fixed price. Choose one of the two before the first
   run: a study that was submitted, read, and judged because its verdict did not please errs more often than its verdict
   says. Never add seeds by hand until a result looks good.
6. `status` with wait_seconds, again until the entry has ended.
7. `verdicts`, then `audit`.

How to cite: give each verdict with its interval and the number of seeds and examples, as `cite` of `verdicts` has it.
"Supported" of `better` says that there is a difference in the claimed direction; its size is told by the interval,
and may be less than `margin`. "Contradicted" refutes the claim with its margin, and shows neither the opposite nor
that settings are equal. "Undecided" is a result; it is neither "no effect" nor "equal". Name every flaw of the audit.
Say nothing of other data, models or lengths of training than those that were run.
"""
