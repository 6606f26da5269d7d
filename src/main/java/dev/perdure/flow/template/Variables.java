package dev.perdure.flow.template;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The first pass of substitution: {@code {name}} (specification 4.5). A name is replaced wherever a system variable or a
 * captured variable of that name exists, also inside other braces; any other brace stays. Inserted values are not looked
 * at again.
 */
public final class Variables {

    private final String instanceId;
    private final @Nullable String label;
    private final Map<String, String> captured;

    public Variables(String instanceId, @Nullable String label, Map<String, String> captured) {
        this.instanceId = instanceId;
        this.label = label;
        this.captured = captured;
    }

    /**
     * Puts variables in.
     *
     * @throws SubstitutionException when the text would become too long
     */
    public String substitute(String template, TextBudget budget) {
        int open = template.indexOf('{');
        if (open < 0) {
            return template;
        }
        StringBuilder out = new StringBuilder(template.length());
        int copied = 0;
        while (open >= 0) {
            int end = Reference.identifierEnd(template, open + 1);
            if (end > open + 1 && end < template.length() && template.charAt(end) == '}') {
                String value = value(template.substring(open + 1, end));
                if (value != null) {
                    budget.grow((long) out.length() + open - copied + value.length());
                    out.append(template, copied, open).append(value);
                    copied = end + 1;
                }
            }
            open = template.indexOf('{', Math.max(open + 1, copied));
        }
        return out.append(template, copied, template.length()).toString();
    }

    private @Nullable String value(String name) {
        return switch (name) {
            case "sys_instance_id" -> instanceId;
            case "sys_label" -> label == null ? "" : label;
            default -> captured.get(name);
        };
    }
}
