package dev.perdure.web.api;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Executions of nodes that are over since a later one has begun (df._stamps): {@code scope::generation}, a scope being an instance or the
 * text before it, {@code ::}, and a node. Nodes written by hand may have any text here.
 */
final class Executions {

    private final Map<List<String>, BigInteger> latest = new HashMap<>();

    void add(String execution) {
        List<String> tokens = tokens(execution);
        if (!tokens.isEmpty()) {
            int last = tokens.size() - 1;
            latest.merge(tokens.subList(0, last), new BigInteger(tokens.get(last)), BigInteger::max);
        }
    }

    /** Whether a later generation was seen, at any level. */
    boolean isSuperseded(String execution) {
        List<String> tokens = tokens(execution);
        for (int level = 1; level < tokens.size(); level += 2) {
            BigInteger seen = latest.get(tokens.subList(0, level));
            if (seen != null && new BigInteger(tokens.get(level)).compareTo(seen) < 0) {
                return true;
            }
        }
        return false;
    }

    private static List<String> tokens(String execution) {
        List<String> tokens = Arrays.asList(execution.split("::", -1));
        boolean sound = tokens.size() % 2 == 0;
        for (int i = 0; sound && i < tokens.size(); i++) {
            sound = i % 2 == 1
                    ? tokens.get(i).matches("[0-9]{1,18}")
                    : !tokens.get(i).isEmpty();
        }
        return sound ? tokens : List.of();
    }
}
