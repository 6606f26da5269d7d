package dev.perdure.kubernetes.submit;

import dev.perdure.kubernetes.api.SecretKeyReference;
import dev.perdure.kubernetes.manifest.InvalidDefinitionException;
import dev.perdure.kubernetes.manifest.Place;
import java.util.regex.Pattern;

/**
 * References to keys of Secrets, in the form of {@code df.secret}: the text is stored, and the worker puts the value in when it sends a
 * request. The name begins with the namespace, so that Secrets of two teams are different ones; who may use which is a grant to the role
 * ({@code df.grant_secret}).
 */
final class SecretText {

    /** A segment of a name that {@code df.secret} takes. */
    private static final Pattern SEGMENT = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,252}");

    private SecretText() {}

    /** {@code <namespace>.<secret>/<key>}. */
    static String name(String namespace, SecretKeyReference reference, Place place) throws InvalidDefinitionException {
        String secret = namespace + "." + reference.name;
        if (!SEGMENT.matcher(secret).matches()
                || !SEGMENT.matcher(reference.key).matches()) {
            throw new InvalidDefinitionException(place + ": '" + reference.name + "/" + reference.key
                    + "' cannot be referred to: a key begins with a letter, a digit or _, and namespace and name have 252"
                    + " characters at most");
        }
        return secret + "/" + reference.key;
    }

    static String reference(String namespace, SecretKeyReference reference, Place place)
            throws InvalidDefinitionException {
        return "{{secret:" + name(namespace, reference, place) + "}}";
    }
}
