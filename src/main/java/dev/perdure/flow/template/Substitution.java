package dev.perdure.flow.template;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.result.ResultDocument;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Puts variables and results into a template (specification 4.5). Two passes, so that a variable's value may refer to
 * results; what is inserted is not looked at again. Names are whole identifiers, hence a name that is a prefix of
 * another never matches in its place.
 *
 * <p>How a value is written depends on what stands around it: {@link Surroundings}.
 */
public final class Substitution {

    /** Most rows of {@code $name.*}. */
    private static final int MAX_ROWS = 10_000;

    private static final Pattern QUANTIFIER =
            Pattern.compile("(?<![A-Za-z0-9_$])(any|all|some)\\s*\\(\\s*$", Pattern.CASE_INSENSITIVE);
    private static final int QUANTIFIER_LOOK_BEHIND = 64;
    private static final Surroundings PLAIN = new Surroundings.Raw(false);
    private static final Surroundings REQUEST = new Surroundings.Raw(true);

    private final Variables variables;
    private final Function<String, @Nullable Result> results;
    private final TextBudget budget;
    private final TakenApart documents;

    public Substitution(Variables variables, Function<String, @Nullable Result> results) {
        this(variables, results, new TextBudget(TextLimits.DEFAULT));
    }

    /**
     * @param results finds the result of a name that is visible where the template stands
     * @param budget of the decision
     */
    public Substitution(Variables variables, Function<String, @Nullable Result> results, TextBudget budget) {
        this.variables = variables;
        this.results = results;
        this.budget = budget;
        this.documents = new TakenApart(budget);
    }

    /**
     * Substitutes into a statement, and makes the values of its parameters.
     *
     * @param parameters their templates
     * @throws SubstitutionException when a reference cannot be resolved, or not safely there
     */
    public Statement statement(String template, List<String> parameters) {
        String sql = sql(template);
        if (parameters.isEmpty()) {
            return Statement.of(sql);
        }
        List<Parameter> values = new ArrayList<>(parameters.size());
        for (String parameter : parameters) {
            values.add(parameter(parameter));
        }
        return new Statement(sql, List.copyOf(values));
    }

    /** A text that is one reference has the value itself, any other is put together. */
    private Parameter parameter(String template) {
        Reference reference = Reference.whole(template);
        if (reference == null) {
            String text = part(template);
            return new Parameter(text, Json.quoted(text));
        }
        Result result = results.apply(reference.name());
        if (result != null) {
            budget.refer(reference, result);
        }
        Parameter parameter = ParameterValue.of(reference, result == null ? null : document(reference, result))
                .parameter();
        budget.made(parameter.json());
        return parameter;
    }

    /**
     * Substitutes into an SQL text.
     *
     * @throws SubstitutionException when a reference cannot be resolved, or not safely there
     */
    public String sql(String template) {
        Variables.Sql sql = variables.sql(template, budget);
        return budget.made(substitute(sql.text(), new SqlSurroundings(), sql.safe()));
    }

    /**
     * Substitutes into a text that is neither SQL nor a request.
     *
     * @throws SubstitutionException when a reference cannot be resolved
     */
    public String raw(String template) {
        return budget.made(substitute(variables.substitute(template, budget), PLAIN, List.of()));
    }

    /**
     * Substitutes into a part of a request that holds no secrets, in which <code>$$</code> is a dollar sign.
     *
     * @throws SubstitutionException when a reference cannot be resolved
     */
    public String part(String template) {
        return budget.made(substitute(variables.substitute(template, budget), REQUEST, List.of()));
    }

    /**
     * Substitutes into a part of a request, and marks the references to secrets that the submitter wrote: those in the
     * template and in variables, and none that comes with a result.
     *
     * @throws SubstitutionException when a reference cannot be resolved
     */
    public String partWithSecrets(String template) {
        return withSecrets(template, REQUEST);
    }

    /**
     * The same into a body that is JSON: values within the quotes of a string are escaped.
     *
     * @throws SubstitutionException when a reference cannot be resolved
     */
    public String jsonWithSecrets(String template) {
        return withSecrets(template, new Surroundings.JsonBody());
    }

    /**
     * The same into a JSON text that holds no secrets.
     *
     * @throws SubstitutionException when a reference cannot be resolved
     */
    public String json(String template) {
        return budget.made(substitute(variables.substitute(template, budget), new Surroundings.JsonBody(), List.of()));
    }

    private String withSecrets(String template, Surroundings around) {
        return budget.made(substitute(SecretReference.mark(variables.substitute(template, budget)), around, List.of()));
    }

    /**
     * Puts results in.
     *
     * @param safe parts of a statement that are finished, in order
     */
    private String substitute(String template, Surroundings around, List<Variables.Safe> safe) {
        int dollar = template.indexOf('$');
        if (dollar < 0 && safe.isEmpty()) {
            return template;
        }
        StringBuilder out = new StringBuilder(template.length() + 64);
        int copied = 0;
        int fed = 0;
        int nextSafe = 0;
        while (dollar >= 0 || nextSafe < safe.size()) {
            if (around instanceof SqlSurroundings sql
                    && nextSafe < safe.size()
                    && (dollar < 0 || safe.get(nextSafe).start() <= dollar)) {
                Variables.Safe part = safe.get(nextSafe++);
                sql.follow(template.substring(fed, part.start()));
                sql.bring(part);
                fed = part.end();
                dollar = dollar < 0 ? -1 : template.indexOf('$', Math.max(dollar, part.end()));
                continue;
            }
            int next = dollar + 1;
            int nameEnd = Reference.identifierEnd(template, dollar + 1);
            Result result = nameEnd > dollar + 1 ? results.apply(template.substring(dollar + 1, nameEnd)) : null;
            if (around.hasEscape() && template.startsWith("$$", dollar)) {
                out.append(template, copied, dollar + 1);
                copied = dollar + 2;
                next = copied;
            } else if (result != null) {
                Reference reference = Reference.read(template, dollar, nameEnd);
                if (nextSafe < safe.size()
                        && reference.end() > safe.get(nextSafe).start()) {
                    throw new SubstitutionException(safe.get(nextSafe).reference()
                            + " stands directly behind a reference: put a blank between");
                }
                budget.refer(reference, result);
                out.append(template, copied, dollar);
                copied = dollar;
                around.follow(template.substring(fed, dollar));
                fed = dollar;
                if (around instanceof SqlSurroundings sql) {
                    reference = quantified(reference, out, template, result, sql);
                }
                String value = value(reference, result, around.flavour());
                if (value != null) {
                    budget.grow((long) out.length() + value.length());
                    value = around.guarded(value, reference);
                    around.follow(value);
                    fed = reference.end();
                    out.append(value);
                    copied = reference.end();
                }
                next = reference.end();
            }
            dollar = template.indexOf('$', next);
        }
        return out.append(template, copied, template.length()).toString();
    }

    /**
     * {@code ANY($name)} means {@code ANY($name[])} where the result is a row set of plain values, and where its column is
     * an array, that array.
     */
    private Reference quantified(
            Reference reference, CharSequence before, String template, Result result, SqlSurroundings sql) {
        if (reference.kind() != Reference.Kind.VALUE || reference.optional()) {
            return reference;
        }
        int behind = Math.max(0, before.length() - QUANTIFIER_LOOK_BEHIND);
        int after = reference.end();
        while (after < template.length() && Character.isWhitespace(template.charAt(after))) {
            after++;
        }
        boolean closes = after < template.length() && template.charAt(after) == ')';
        if (!closes
                || !sql.isCode()
                || !QUANTIFIER
                        .matcher(before.subSequence(behind, before.length()))
                        .find()) {
            return reference;
        }
        ResultDocument whole = document(result);
        ResultDocument document = whole == null ? null : element(reference, whole);
        if (document == null || !document.isRowSet()) {
            return reference;
        }
        if (isArray(column(document, reference.column()), document)) {
            return reference.as(Reference.Kind.ARRAY_VALUE);
        }
        return reference.column() == null ? reference.as(Reference.Kind.ARRAY) : reference;
    }

    /** The first column, or the one with this name; null when there is none. */
    static ResultDocument.@Nullable Column column(ResultDocument document, @Nullable String name) {
        return document.columns().stream()
                .filter(candidate -> name == null || candidate.name().equals(name))
                .findFirst()
                .orElse(null);
    }

    private static boolean isArray(ResultDocument.@Nullable Column column, ResultDocument document) {
        if (column == null) {
            return false;
        }
        if (column.type() != null) {
            return SqlFlavour.isArray(column.type());
        }
        JsonNode first = document.row(0);
        return first != null && first.path(column.name()).isArray();
    }

    /** The text to insert; null leaves the reference as it is. */
    private @Nullable String value(Reference reference, Result result, Flavour flavour) {
        ResultDocument document = document(reference, result);
        return switch (reference.kind()) {
            case ROWS -> rows(reference, document, flavour);
            case ARRAY -> array(reference, document, flavour);
            case VALUE, ARRAY_VALUE -> {
                if (!document.isRowSet()) {
                    yield reference.column() == null
                            ? flavour.value(document.json(), null)
                            : member(reference, document, document.json(), flavour);
                }
                JsonNode row = document.row(0);
                if (row == null) {
                    if (reference.optional()) {
                        yield flavour.nothing();
                    }
                    throw new SubstitutionException(noRows(reference));
                }
                if (reference.kind() == Reference.Kind.ARRAY_VALUE) {
                    ResultDocument.Column column = column(document, reference.column());
                    JsonNode value = column == null ? null : row.get(column.name());
                    if (column != null && value != null && value.isArray()) {
                        yield SqlFlavour.arrayValue(value, column.type());
                    }
                }
                yield reference.column() == null
                        ? first(reference, document, flavour)
                        : member(reference, document, row, flavour);
            }
        };
    }

    private static String rows(Reference reference, ResultDocument document, Flavour flavour) {
        String name = reference.shownResult() + ".*";
        if (!document.isRowSet()) {
            throw new SubstitutionException(name + " — invalid result format");
        }
        if (document.rowCount() > MAX_ROWS) {
            throw new SubstitutionException(name + " — result has " + document.rowCount()
                    + " rows, exceeding the maximum of " + MAX_ROWS
                    + " for row-set expansion. Use pagination or intermediate tables for large result sets.");
        }
        return flavour.rows(reference.name(), document);
    }

    private static @Nullable String array(Reference reference, ResultDocument document, Flavour flavour) {
        if (!document.isRowSet()) {
            throw new SubstitutionException(reference.shown() + "[]: result is not a row set");
        }
        List<ResultDocument.Column> columns = document.columns();
        ResultDocument.Column column = column(document, reference.column());
        if (column == null && (document.rowCount() > 0 || !columns.isEmpty())) {
            return flavour.missing(reference, document);
        }
        List<JsonNode> values = new ArrayList<>();
        for (int i = 0; column != null && i < document.rowCount(); i++) {
            JsonNode row = document.row(i);
            JsonNode value = row == null ? null : row.get(column.name());
            values.add(value == null ? NullNode.instance : value);
        }
        return flavour.array(values, column == null ? null : column.type());
    }

    private static String first(Reference reference, ResultDocument document, Flavour flavour) {
        JsonNode value = document.firstValue();
        if (value != null && !value.isNull()) {
            return flavour.value(value, document.firstType());
        }
        if (reference.optional()) {
            return flavour.nothing();
        }
        throw new SubstitutionException(
                value == null
                        ? reference.shown() + ": first row has no columns"
                        : reference.shown() + " is NULL — first column of first row is NULL");
    }

    private static @Nullable String member(
            Reference reference, ResultDocument document, JsonNode holder, Flavour flavour) {
        if (!holder.isObject()) {
            throw new SubstitutionException(reference.shown() + ": result is neither a row set nor a JSON object");
        }
        JsonNode value = holder.get(reference.column());
        if (value != null && !value.isNull()) {
            ResultDocument.Column column = document.isRowSet() ? column(document, reference.column()) : null;
            return flavour.value(value, column == null ? null : column.type());
        }
        if (reference.optional()) {
            return flavour.nothing();
        }
        if (value == null) {
            return flavour.missing(reference, document);
        }
        throw new SubstitutionException(reference.shown() + " is NULL");
    }

    private ResultDocument document(Reference reference, Result result) {
        ResultDocument document = document(result);
        if (document == null) {
            throw new SubstitutionException(reference.shown() + ": result is not valid JSON");
        }
        return element(reference, document);
    }

    /** The element that the numbers in brackets mean: a row, a branch of a join, or one of that. */
    private static ResultDocument element(Reference reference, ResultDocument document) {
        ResultDocument element = document;
        for (int number : reference.elements()) {
            element = element.element(number);
            if (element == null) {
                throw new SubstitutionException(
                        reference.shownResult() + ": result is neither a row set nor a list, and has no elements");
            }
        }
        return element;
    }

    /** Why there is no value. */
    static String noRows(Reference reference) {
        return reference.elements().isEmpty()
                ? reference.shownResult() + " has no rows — query returned zero results"
                : reference.shownResult() + ": there is no such row";
    }

    private @Nullable ResultDocument document(Result result) {
        return documents.of(result);
    }
}
