package dev.perdure.sql;

import java.util.List;

/** A call of each builder: every node type is in them, and every member that a node can have. */
final class Builders {

    static final List<String> CALLS = List.of(
            "'SELECT 1' ~> 'SELECT 2' |=> 'a_name'",
            "df.sql('SELECT $1, $2', '{a}', '$b')",
            "df.\"as\"('SELECT 1' |=> 'first', 'second')",
            "'SELECT true' ?> 'SELECT 1' !> 'SELECT 2'",
            "df.loop('a', 'SELECT true')",
            "df.join3('a', 'b', 'c')",
            "'a' | 'b'",
            "df.\"break\"('v')",
            "df.sleep(1)",
            "df.http('http://x/{v}', 'get', 'body', '{\"a\": \"1\"}')",
            "df.http('http://x/{v}', 'get', expect => '2xx,404')",
            "df.http_multipart('http://x', parts => '[{\"name\": \"f\", \"data_b64\": \"aGVsbG8=\", \"content_type\": \"text/plain\", \"filename\": \"g\"}]')",
            "df.wait_for_schedule('*/5 1-3 * jan mon', 'europe/berlin')",
            "df.wait_for_condition('SELECT true')",
            "df.wait_for_signal('go', 5)",
            "df.wait_for_event('{peer}', 'name', 5)",
            "df.if_rows('r', 'a', 'b')",
            "df.retry('x', 5, '1 day 2 hours', 1.5, '1 mon', '{40,http:5xx}')",
            "df.\"catch\"('x', 'y', '{23,http:5xx}')",
            "df.map('x', 'y', tolerate => '2%', on_failure => 'tolerate')",
            "df.map('$rows', 'y')",
            "df.saga(df.with_undo('x', 'y', 'before') ~> 'z')",
            "df.with_queue('x', 'q', '$k?')",
            "df.timeout('x', '1 day 2.5 hours', 'y')",
            "df.call('child', '{\"a\": \"$b\"}')",
            "df.activity('kind', '{\"a\": \"$b\"}')",
            "df.approval('title', '{alice,bob}', '{\"a\": 1}', '1 day', 'y', 2, true)");

    private Builders() {}
}
