package dev.perdure.flow.template;

import dev.perdure.flow.result.Result;

/** The rest of {@link TextLimits} in the course of a decision. */
public final class TextBudget {

    private final TextLimits limits;
    private int made;

    public TextBudget(TextLimits limits) {
        this.limits = limits;
    }

    /**
     * A text is about to grow to this length.
     *
     * @throws SubstitutionException when that is too much
     */
    public void grow(long length) {
        if (made + length > limits.made()) {
            throw new SubstitutionException("after substitution the text would have more than "
                    + (limits.made() - made) + " characters" + (made == 0 ? "" : " (beside others that begin with it)")
                    + ". Put large values into a table and let the step read them there");
        }
    }

    /** A text was made. */
    public String made(String text) {
        grow(text.length());
        made += text.length();
        return text;
    }

    /**
     * A result is about to be taken apart.
     *
     * @throws SubstitutionException when it is too large for that
     */
    public void refer(Reference reference, Result result) {
        if (result.json().length() > limits.referenced()) {
            throw new SubstitutionException(
                    reference.shown() + ": a result of " + result.json().length()
                            + " characters is too large to be put into a text, of which " + limits.referenced()
                            + " are allowed. Return fewer rows, or keep them in a table");
        }
    }
}
