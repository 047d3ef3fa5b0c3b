"""Column lineage over sql/**: what each column is made of, and G11. The public face of this package.

- syntax: what may stand in a model
- tables: the tables no model makes, and what their columns say about people
- flow: one model
- graph: all models, labels, G11
- page: where a column of the warehouse goes, drawn
"""

from ajprivacy_pipeline.lineage.graph import Graph, build_graph, check_lineage, labels, lineage_figure, product_graph
from ajprivacy_pipeline.lineage.syntax import LineageError

__all__ = ["Graph", "LineageError", "build_graph", "check_lineage", "labels", "lineage_figure", "product_graph"]
