package dev.perdure.flow.template;

import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;

/** The rest of {@link TextLimits} in the course of a decision. */
public final class TextBudget {

    /** Characters up to which a result is no matter, whatever it holds. */
    private static final int LIGHT = 64 * 1024;

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

    /**
     * A result is taken apart, and stays so until the text is made.
     *
     * @param weighed what the results weigh that were taken apart for this text before
     * @return what they weigh with this one
     * @throws SubstitutionException when that is too much
     */
    long takeApart(Result result, long weighed) {
        long weight = weighed + (result.json().length() < LIGHT ? 0 : Json.weight(result.json()));
        if (weight > limits.weight()) {
            throw new SubstitutionException(
                    "the results that this text refers to have too many values to be taken apart in memory (about "
                            + weight
                            + " bytes, of which " + limits.weight()
                            + " are allowed). Return fewer rows or values, or keep them in a table");
        }
        return weight;
    }
}
