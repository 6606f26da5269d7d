/**
 * Templates: variables and results are put into statements and requests. The lexer for SQL says where a text may stand. Nothing here knows
 * nodes or how a workflow runs.
 */
@NullMarked
package dev.perdure.flow.template;

import org.jspecify.annotations.NullMarked;
