"""Makes stacks of JavaScript clear with source maps: React Native with Hermes, Expo, web, Node.

family    which scripts an event needs, and the bundles that have them
scripts   the scripts of an event, their debug ids and addresses
frames    frame by frame: position, function, source lines
"""
