/** The page of a trace. */

import { createWaterfalls } from "./waterfall.js";

createWaterfalls(document.body, new AbortController().signal);
