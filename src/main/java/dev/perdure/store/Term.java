package dev.perdure.store;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * One term of leadership: its epoch and the key that authorises its checkpoints. The key never enters a submitter's session, which gets a
 * token: a MAC over everything that the checkpoint writes (architecture 4).
 */
public final class Term {

    /** A separator that no text of JSON contains. */
    private static final String SEPARATOR = "\u001f";

    private final long epoch;
    private final byte[] key;
    private final AddressKey addresses;

    /**
     * A term.
     *
     * @param addresses signs the addresses by which steps are answered; it outlives the term
     */
    public Term(long epoch, byte[] key, AddressKey addresses) {
        this.epoch = epoch;
        this.key = key.clone();
        this.addresses = addresses;
    }

    /** The key that signs the addresses by which steps are answered, as of the beginning of the term. */
    public AddressKey addressKey() {
        return addresses;
    }

    public long epoch() {
        return epoch;
    }

    /**
     * Authorises a checkpoint in a session of its submitter, in this term.
     *
     * @param role oid of the submitter, which is the session's user
     */
    public Authorisation authorise(CheckpointText checkpoint, long role) {
        byte[] token = token(String.join(
                SEPARATOR,
                "C",
                Long.toString(epoch),
                checkpoint.instance(),
                Integer.toString(checkpoint.version()),
                Long.toString(role),
                checkpoint.state(),
                checkpoint.also() == null ? "" : checkpoint.also()));
        return new Authorisation(token, receipt(token));
    }

    /**
     * Authorises the ends of several items of a map.
     *
     * @param role oid of the submitter
     */
    public Authorisation authorise(String map, String done, long role) {
        byte[] token = token(String.join(SEPARATOR, "I", Long.toString(epoch), map, Long.toString(role), done));
        return new Authorisation(token, receipt(token));
    }

    /**
     * Authorises items of a map in a session of its submitter, in this term.
     *
     * @param role oid of the submitter
     */
    public byte[] authorise(Journal.FreezeItems items, long role) {
        return token(String.join(
                SEPARATOR,
                "F",
                Long.toString(epoch),
                items.subject(),
                items.node(),
                items.stamp(),
                Long.toString(items.first()),
                Long.toString(role),
                items.columns() == null ? "" : items.columns(),
                items.rows(),
                items.total() == null ? "-1" : items.total().toString()));
    }

    /** {@code sha256(key || sha256(key || message))}, as {@code df.checkpoint} computes it. */
    byte[] token(String message) {
        MessageDigest digest = sha256();
        digest.update(key);
        byte[] inner = digest.digest(message.getBytes(StandardCharsets.UTF_8));
        digest.update(key);
        return digest.digest(inner);
    }

    /** The answer to a token that only {@code df.checkpoint} can give: {@code sha256(key || token)}, in hex. */
    String receipt(byte[] token) {
        MessageDigest digest = sha256();
        digest.update(key);
        return HexFormat.of().formatHex(digest.digest(token));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("This Java has no SHA-256", e);
        }
    }

    /** The epoch, never the key. */
    @Override
    public String toString() {
        return "term " + epoch;
    }
}
