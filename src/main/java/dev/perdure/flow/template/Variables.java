package dev.perdure.flow.template;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The first pass of substitution: {@code {name}} (specification 4.5). A name is replaced wherever a system variable or a
 * captured variable of that name exists, also inside other braces; any other brace stays. Inserted values are not looked
 * at again.
 */
public final class Variables {

    private static final String LITERAL = ":literal}";
    private static final String IDENTIFIER = ":ident}";
    private static final int LONGEST_NAME = 255;

    private final String instanceId;
    private final @Nullable String label;
    private final Map<String, String> captured;
    /** Of the item that they are for; null when they are for none. */
    private final @Nullable Long ordinal;

    private final AddressBook book;
    /** Of the step that they are put in for; null: they are for none. */
    private final @Nullable Supplier<AddressBook.Step> step;

    public Variables(String instanceId, @Nullable String label, Map<String, String> captured) {
        this(instanceId, label, captured, AddressBook.NONE);
    }

    public Variables(String instanceId, @Nullable String label, Map<String, String> captured, AddressBook book) {
        this(instanceId, label, captured, null, book, null);
    }

    private Variables(
            String instanceId,
            @Nullable String label,
            Map<String, String> captured,
            @Nullable Long ordinal,
            AddressBook book,
            @Nullable Supplier<AddressBook.Step> step) {
        this.instanceId = instanceId;
        this.label = label;
        this.captured = captured;
        this.ordinal = ordinal;
        this.book = book;
        this.step = step;
    }

    /** The same for an item of a map: {@code {sys_ordinal}} is its place among the items. */
    public Variables ofItem(long place) {
        return new Variables(instanceId, label, captured, place, AddressBook.OF_ITEMS, null);
    }

    /** The same for a step, which can be answered. */
    public Variables of(Supplier<AddressBook.Step> answered) {
        return new Variables(instanceId, label, captured, ordinal, book, answered);
    }

    /**
     * A value with quotes of its own in a text of SQL. What it holds is not looked at again.
     *
     * @param start where it stands in the text
     * @param text what stands there; the reference itself when there is no such variable
     * @param reference as it was written
     */
    record Safe(int start, String text, String reference, boolean isMissing) {

        int end() {
            return start + text.length();
        }
    }

    /** A text of SQL in which variables were put. */
    record Sql(String text, List<Safe> safe) {}

    /**
     * Puts variables into SQL, where they can be asked for as <code>{name:literal}</code> and <code>{name:ident}</code>, too.
     *
     * @throws SubstitutionException when the text would become too long
     */
    Sql sql(String template, TextBudget budget) {
        List<Safe> safe = new ArrayList<>();
        return new Sql(substitute(template, budget, safe), safe);
    }

    /**
     * Puts variables in.
     *
     * @throws SubstitutionException when the text would become too long
     */
    public String substitute(String template, TextBudget budget) {
        return substitute(template, budget, null);
    }

    private String substitute(String template, TextBudget budget, @Nullable List<Safe> safe) {
        int open = template.indexOf('{');
        if (open < 0) {
            return template;
        }
        StringBuilder out = new StringBuilder(template.length());
        int copied = 0;
        while (open >= 0) {
            int end = Reference.identifierEnd(template, open + 1);
            String form = safe == null || end == open + 1 ? null : form(template, end);
            if (safe != null && form != null) {
                String value = value(template.substring(open + 1, end));
                String reference = template.substring(open, end + form.length());
                String text = value == null ? reference : quoted(value, form);
                budget.grow((long) out.length() + open - copied + text.length());
                out.append(template, copied, open);
                safe.add(new Safe(out.length(), text, reference, value == null));
                out.append(text);
                copied = end + form.length();
            } else if (end > open + 1 && end < template.length() && template.charAt(end) == '}') {
                String value = value(template.substring(open + 1, end));
                if (value != null) {
                    budget.grow((long) out.length() + open - copied + value.length());
                    out.append(template, copied, open).append(value);
                    copied = end + 1;
                }
            } else if (end > open + 1 && end < template.length() && template.charAt(end) == ':') {
                int close = template.indexOf('}', end);
                String address = close < 0
                        ? null
                        : address(template.substring(open + 1, end), template.substring(end + 1, close));
                if (address != null) {
                    budget.grow((long) out.length() + open - copied + address.length());
                    out.append(template, copied, open).append(address);
                    copied = close + 1;
                }
            }
            open = template.indexOf('{', Math.max(open + 1, copied));
        }
        return out.append(template, copied, template.length()).toString();
    }

    private static @Nullable String form(String template, int at) {
        if (template.startsWith(LITERAL, at)) {
            return LITERAL;
        }
        return template.startsWith(IDENTIFIER, at) ? IDENTIFIER : null;
    }

    private static String quoted(String value, String form) {
        return form.equals(LITERAL) ? SqlFlavour.literal(value) : SqlFlavour.identifier(value);
    }

    /** An address by which a step is answered; null when it is none that stands there. */
    private @Nullable String address(String variable, String name) {
        Addresses kind = Addresses.of(variable);
        if (kind == null || step == null) {
            return null;
        }
        if (name.isBlank()
                || name.getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME
                || name.chars().anyMatch(c -> c == '{' || Character.isISOControl(c))) {
            throw new SubstitutionException(kind.written(name) + ": behind the colon stands the name of a "
                    + kind.noun() + ", of 1 to " + LONGEST_NAME + " bytes, without braces and control characters");
        }
        return book.address(kind, name, step.get());
    }

    private @Nullable String value(String name) {
        return switch (name) {
            case "sys_instance_id" -> instanceId;
            case "sys_label" -> label == null ? "" : label;
            case "sys_ordinal" -> ordinal == null ? captured.get(name) : ordinal.toString();
            default -> captured.get(name);
        };
    }
}
