package dev.perdure.step.http;

import dev.perdure.flow.template.HttpRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * Secrets as files, one each, as Kubernetes and Docker mount them. They are read for each request, so that a changed one
 * takes effect, and are neither kept nor logged.
 */
public final class SecretDirectory {

    private static final Logger LOG = Logger.getLogger(SecretDirectory.class);
    private static final long MAX_BYTES = 64 * 1024;

    private final Optional<Path> directory;

    /**
     * @param directory empty when this worker has no secrets
     */
    public SecretDirectory(Optional<Path> directory) {
        this.directory = directory;
    }

    /**
     * The request with the values of its secrets in place of the references.
     *
     * @throws HttpStepException when one of them is not there; the message is the node's error text
     */
    public HttpRequest resolve(HttpRequest request) throws HttpStepException {
        Map<String, String> values = new HashMap<>();
        for (String name : request.secrets()) {
            values.put(name, value(name));
        }
        return values.isEmpty() ? request : request.withSecrets(values::get);
    }

    private String value(String name) throws HttpStepException {
        if (directory.isEmpty()) {
            throw missing(name, "the worker has no secrets (setting perdure.secrets.directory)");
        }
        // A name has no empty segments and none that begins with a point: it cannot leave the directory.
        Path file = directory.get().resolve(name);
        try {
            // A pipe would be waited for.
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                throw missing(name, "what has its name in the worker's directory of secrets is no file");
            }
            if (Files.size(file) > MAX_BYTES) {
                throw missing(name, "its file is larger than " + MAX_BYTES + " bytes");
            }
            String value = Files.readString(file, StandardCharsets.UTF_8);
            return value.replaceFirst("\\R\\z", "");
        } catch (NoSuchFileException e) {
            throw missing(name, "there is no such file in the worker's directory of secrets");
        } catch (IOException e) {
            LOG.warnf("The secret '%s' cannot be read: %s", name, e);
            throw missing(name, "its file cannot be read; the worker's log says why");
        }
    }

    private static HttpStepException missing(String name, String problem) {
        return new HttpStepException(HttpOutcome.INVALID, "Secret '" + name + "' is not available: " + problem);
    }
}
