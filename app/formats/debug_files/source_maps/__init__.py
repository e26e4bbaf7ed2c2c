"""Source maps: from a position in a minified script to file, line and function of its source.

    upload   json_elements ─► packing: sources, names ─► mapping_index: positions, in slices
    event    packed_map: a position ─► mapping_index ─► source, line, name ─► scopes: the function

Source: ECMA-426; for functions, `x_facebook_sources` as Metro and Hermes write it.
"""
