package dev.perdure.store;

import dev.perdure.flow.template.Addresses;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * The contents of an address by which a service or a person outside of the database answers a step: one signal to one instance, or one
 * decision. {@code df._answer} carries it out.
 *
 * @param stamp of the activation that has handed it out, of all attempts of a retry the same; it begins with the instance
 * @param node the step that has
 * @param once 32 hexadecimal digits: works once, however often the step has handed it out
 * @param expires seconds since 1970
 * @param name of the signal, or the decision
 */
public record Address(Addresses kind, String stamp, String node, String once, long expires, String name) {

    /** No name and no stamp holds it. */
    private static final String SEPARATOR = "\u001f";

    private static final int PARTS = 6;

    /** The eight digits of the instance. */
    public String instance() {
        return stamp.substring(0, stamp.indexOf(':'));
    }

    String text() {
        return String.join(SEPARATOR, kind.name().substring(0, 1), stamp, node, once, Long.toString(expires, 36), name);
    }

    byte[] bytes() {
        return text().getBytes(StandardCharsets.UTF_8);
    }

    /** Reads an address that a key has signed. */
    static Address read(String text) {
        String[] parts = text.split(SEPARATOR, PARTS);
        return new Address(
                parts[0].equals("D") ? Addresses.DECISION : Addresses.SIGNAL,
                parts[1],
                parts[2],
                parts[3],
                Long.parseLong(parts[4], 36),
                parts[5]);
    }

    /** The kind of answer, in the words of {@code df._answer}. */
    public String action() {
        return kind.name().toLowerCase(Locale.ROOT);
    }
}
