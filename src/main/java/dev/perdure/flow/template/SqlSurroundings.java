package dev.perdure.flow.template;

import org.jspecify.annotations.Nullable;

/** A statement. A value that holds text is refused where its quotes would not protect it: see {@link SqlLexer#objection}. */
final class SqlSurroundings implements Surroundings {

    private static final Flavour PLAIN = new SqlFlavour(false);
    private static final Flavour TYPED = new SqlFlavour(true);
    private static final Flavour IDENTIFIER = new IdentifierFlavour();

    private final SqlLexer lexer = new SqlLexer();

    @Override
    public void follow(String text) {
        lexer.feed(text);
    }

    @Override
    public Flavour flavour() {
        if (lexer.isIdentifier()) {
            return IDENTIFIER;
        }
        return lexer.takesExpressions() ? TYPED : PLAIN;
    }

    /** Whether the next character is code. */
    boolean isCode() {
        return lexer.isCode();
    }

    /** Refuses text where it would be run as SQL. Numbers and booleans go anywhere. */
    @Override
    public String guarded(String value, Reference reference) {
        if (value.startsWith("-") && lexer.isAfterMinus()) {
            return " " + value;
        }
        String objection = lexer.isIdentifier() ? lexer.objectionToIdentifier(value) : objection(value);
        if (objection != null) {
            throw new SubstitutionException(reference.text() + " stands " + objection
                    + ", where its text would be executed as SQL. Put it outside of the quotes, for example"
                    + " 'prefix ' || " + reference.text());
        }
        return value;
    }

    private @Nullable String objection(String value) {
        boolean plain = value.indexOf('\'') < 0 && value.indexOf('"') < 0;
        return plain ? null : lexer.objection(value);
    }

    /**
     * A variable that was asked for as a literal or an identifier.
     *
     * @throws SubstitutionException when it stands in quotes of its own
     */
    void bring(Variables.Safe safe) {
        if (safe.isMissing()) {
            if (lexer.isCode()) {
                throw new SubstitutionException(safe.text() + ": there is no variable of this name");
            }
        } else if (!lexer.isCode() || lexer.objection(safe.text()) != null) {
            throw new SubstitutionException(safe.reference() + " stands inside quotes or a comment. It brings its own"
                    + " quotes: put it outside, for example 'prefix ' || " + safe.reference());
        }
        lexer.feed(safe.text());
    }

    @Override
    public boolean hasEscape() {
        return false;
    }
}
