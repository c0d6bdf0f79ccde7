"""Replies -> grades and orders, with what had to be mended. Pure; never raises on any text.

What cannot be read is reported as such and never replaced by a default. `order` reads orders,
`grades` one grade, many grades and graded parts.
"""

from reranking.parsing.grades import Grade, Grades, Parts, parse_grade, parse_grades, parse_parts
from reranking.parsing.order import Order, Rule, parse_order

__all__ = ["Grade", "Grades", "Order", "Parts", "Rule", "parse_grade", "parse_grades", "parse_order", "parse_parts"]
