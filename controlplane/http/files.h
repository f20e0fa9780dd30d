// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The files of the console page. http thread.

#include <h2o.h>

// Answers GET and HEAD of req->path_normalized from the folder root. Only names of letters, digits,
// ".", "_" and "-" that do not begin with "." and end in a known type are served; links may not
// lead out of root. "/" is index.html.
void files_respond(h2o_req_t *req, const char *root);
