// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A table for people: columns as wide as their widest cell, two blanks between them.

#include <stddef.h>
#include <stdio.h>

struct columns;

// NULL without memory. An empty table prints as nothing at all.
struct columns *columns_new(void);
void columns_free(struct columns *columns); // takes NULL

// The titles come first; numbers are right-aligned. title is not copied.
void columns_title(struct columns *columns, const char *title, int right);

// The next cell, from left to right, row by row; text is copied. A table without memory for it says
// so when it is printed.
void columns_cell(struct columns *columns, const char *text);

size_t columns_rows(const struct columns *columns);

// 0, or -ENOMEM when cells are missing.
int columns_print(const struct columns *columns, FILE *out);
