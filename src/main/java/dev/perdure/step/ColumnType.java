package dev.perdure.step;

/**
 * The type of a result's column.
 *
 * @param name as a later cast can use it: PostgreSQL's internal name of a type of its own ({@code int4}, {@code _text}),
 *     qualified and quoted for all others ({@code "app"."mood"[]}). A domain's column has the type below the domain
 * @param json how its values become JSON
 */
record ColumnType(String name, JsonValue json) {}
