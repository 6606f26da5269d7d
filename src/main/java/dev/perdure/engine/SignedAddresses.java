package dev.perdure.engine;

import dev.perdure.flow.template.AddressBook;
import dev.perdure.flow.template.Addresses;
import dev.perdure.flow.template.SubstitutionException;
import dev.perdure.store.Address;
import dev.perdure.store.AddressKey;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Addresses of the HTTP API, signed, which work once and for some time (ADR 240). All attempts of a step hand out the same address, so
 * that a receiver who gets a request twice sees the same request.
 */
final class SignedAddresses implements AddressBook {

    /** The path below the public URL. */
    private static final String PATH = "/api/v1/answers/";
    /** The grid on which expiry times lie, so that a request that is sent again a little later has the same text. */
    private static final int GRID = 16;

    private static final int ONCE_BYTES = 16;

    private final Optional<String> publicUrl;
    private final String place;
    private final long seconds;
    private volatile AddressKey key;

    /**
     * The addresses of a term.
     *
     * @param publicUrl under which others reach the HTTP API; empty: there are no addresses
     * @param place what names the database in their path
     * @param lifetime at least so long an address is valid
     */
    SignedAddresses(Optional<String> publicUrl, String place, Duration lifetime, AddressKey key) {
        this.place = place;
        this.publicUrl = publicUrl.map(url -> url.replaceFirst("/+$", ""));
        this.seconds = Math.max(1, lifetime.toSeconds());
        this.key = key.at(place);
    }

    /** Whether steps can hand out addresses. */
    boolean isInUse() {
        return publicUrl.isPresent();
    }

    /** Signs with this key from now on. */
    void sign(AddressKey with) {
        key = with.at(place);
    }

    @Override
    public String address(Addresses kind, String name, Step step) {
        if (publicUrl.isEmpty()) {
            throw refused(
                    kind,
                    name,
                    step,
                    "there is no address yet. Set perdure.web.public-url on each worker to the one under which others reach the"
                            + " dashboard's port, such as https://workflows.example.com, and perdure.web.enabled=true");
        }
        long grid = Math.max(1, seconds / GRID);
        long expires = (step.at().getEpochSecond() + seconds) / grid * grid + grid;
        String signed = key.sign(new Address(kind, step.name(), step.node(), once(kind, name, step), expires, name));
        if (signed == null) {
            throw refused(kind, name, step, "the address becomes too long, with this name so deep in the workflow");
        }
        return publicUrl.get() + PATH + place + signed;
    }

    private static SubstitutionException refused(Addresses kind, String name, Step step, String reason) {
        return new SubstitutionException("%s at node %s of instance %s: %s"
                .formatted(
                        kind.written(name),
                        step.node(),
                        step.stamp().substring(0, Math.max(0, step.stamp().indexOf(':'))),
                        reason));
    }

    private static String once(Addresses kind, String name, Step step) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256")
                    .digest(String.join("\u001f", kind.name(), step.name(), step.node(), name)
                            .getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, ONCE_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("This Java has no SHA-256", e);
        }
    }
}
