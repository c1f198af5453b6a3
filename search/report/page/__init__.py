"""A study as one page, ``report.html``: question, answer, table, claims, figures, cost, conditions, commands.

What this room promises:

* one file that asks for nothing over the network, and whose policy forbids it; plotly's library is in it once;
* no text of a study is run or read as markup: scripts are allowed by their hash, text is escaped where it becomes
  markup;
* the answer says no more than the table and the verdicts do;
* at any width it shows all there is: a wide window the whole table and the differences beside the answer, a phone rows
  as cards and figures laid out for it; the page itself never scrolls sideways;
* landmarks, headings in order, captions and scopes of tables, alt texts, contrast of at least 4.5 to 1 in light and
  dark; whatever is wider than a phone scrolls inside its box, and is reached by keyboard;
* without scripts everything but the drawings is there;
* the same ledger gives the same bytes, and a page never exceeds `MAX_PAGE_BYTES` bytes by its figures.
"""
