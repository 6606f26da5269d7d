package dev.perdure.flow.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.perdure.flow.result.Result;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The work that a text causes grows with its length, whatever is in it. */
class SqlLexerWorkTest {

    /** Texts whose parts multiply each other where a lexer goes back, or looks at a character once for each thing around it. */
    enum Attack {
        NESTED_DOLLAR_QUOTES(n -> {
            StringBuilder text = new StringBuilder("do ");
            for (int i = 0; i * 10 < n; i++) {
                text.append("$a").append(i).append("$ ");
            }
            return text.toString();
        }),
        ONE_LONG_TAG(n -> "do $" + "a".repeat(n) + "$ " + ("$" + "a".repeat(100)).repeat(n / 100)),
        UNFINISHED_TAGS(n -> "do $$ " + "$aaaaaaaa ".repeat(n / 10)),
        NESTED_COMMENTS(n -> "select " + "/*".repeat(n / 2)),
        QUOTES(n -> "select " + "''\n".repeat(n / 3)),
        REFERENCES(n -> "do $x$ " + "$n ".repeat(n / 3));

        private final IntFunction<String> text;

        Attack(IntFunction<String> text) {
            this.text = text;
        }
    }

    private static long processorTime(Attack attack, int size) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        String text = attack.text.apply(size) + " $n";
        Substitution substitution = new Substitution(
                new Variables("a1b2c3d4", null, Map.of()),
                name -> name.equals("n")
                        ? new Result("{\"rows\":[{\"v\":42}],\"row_count\":1}", "[[\"v\",\"int4\"]]")
                        : null);
        long before = threads.getCurrentThreadCpuTime();
        substitution.sql(text);
        return threads.getCurrentThreadCpuTime() - before;
    }

    @ParameterizedTest
    @EnumSource(Attack.class)
    void ten_times_the_text_is_about_ten_times_the_work(Attack attack) {
        for (int i = 0; i < 5; i++) {
            processorTime(attack, 20_000);
        }
        long small = Math.max(5_000_000, processorTime(attack, 100_000));
        long large = processorTime(attack, 1_000_000);

        // Were it quadratic, it would be a hundred times.
        assertThat(large).isLessThan(40 * small);
    }

    @Test
    void text_is_not_put_where_the_lexer_does_not_follow() {
        StringBuilder text = new StringBuilder("do ");
        for (int i = 0; i < 12; i++) {
            text.append("$a").append(i).append("$ ");
        }
        Substitution substitution = new Substitution(
                new Variables("a1b2c3d4", null, Map.of()),
                name -> name.equals("t")
                        ? new Result("{\"rows\":[{\"v\":\"it's\"}],\"row_count\":1}", "[[\"v\",\"text\"]]")
                        : null);

        assertThatThrownBy(() -> substitution.sql(text + "$t"))
                .hasMessageContaining("more than 8 dollar-quoted strings");
    }
}
