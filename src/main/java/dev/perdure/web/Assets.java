package dev.perdure.web;

import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The files of the dashboard, read once. Only what the list names is there: nobody finds another file by its path. They are not in
 * {@code META-INF/resources}, since Quarkus would serve that on the port of health too.
 */
final class Assets {

    private static final String FOLDER = "/web/";
    private static final String LIST = FOLDER + "files.txt";
    private static final Map<String, String> TYPES = Map.of(
            "html", "text/html; charset=utf-8",
            "css", "text/css; charset=utf-8",
            "js", "text/javascript; charset=utf-8",
            "svg", "image/svg+xml");

    /** One file, with a tag that changes with its content. */
    record Asset(Buffer content, String type, String tag) {}

    private final Map<String, Asset> files = new LinkedHashMap<>();

    Assets() {
        for (String name : names()) {
            byte[] content = read(FOLDER + name);
            String extension = name.substring(name.lastIndexOf('.') + 1);
            files.put(
                    "/" + name,
                    new Asset(Buffer.buffer(content), TYPES.getOrDefault(extension, "text/plain"), tag(content)));
        }
    }

    /** The file at a path, {@code /} being the page. */
    Optional<Asset> at(String path) {
        return Optional.ofNullable(files.get(path.equals("/") ? "/index.html" : path));
    }

    static List<String> names() {
        return new String(read(LIST), StandardCharsets.UTF_8).lines().toList();
    }

    private static byte[] read(String resource) {
        try (InputStream in = Assets.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException("The application has no " + resource);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String tag(byte[] content) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(content);
            return '"' + HexFormat.of().formatHex(hash, 0, 16) + '"';
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
