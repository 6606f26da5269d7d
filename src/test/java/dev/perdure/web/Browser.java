package dev.perdure.web;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.testing.FreePort;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * Chromium by way of ChromeDriver, in the words of <a href="https://www.w3.org/TR/webdriver2/">WebDriver</a>. Tests are skipped where Debian's
 * packages are not installed ({@code apt-get install chromium chromium-driver}).
 */
final class Browser implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final Path PICTURES = Path.of("target", "screenshots");

    /** Through all shadow roots, since each component has its own. */
    private static final String FIND =
            """
            const all = (root) => [root, ...[...root.querySelectorAll('*')].filter((e) => e.shadowRoot).flatMap((e) => all(e.shadowRoot))];
            const found = all(document).flatMap((root) => [...root.querySelectorAll(arguments[0])]);
            """;

    private final Process driver;
    private final String base;
    private final String session;

    private Browser(Path program, Path driverProgram) {
        try {
            int port = FreePort.find();
            driver = new ProcessBuilder(driverProgram.toString(), "--port=" + port)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            base = "http://127.0.0.1:" + port;
            Awaitility.await("ChromeDriver")
                    .atMost(PATIENCE)
                    .ignoreExceptions()
                    .until(() -> call("GET", "/status", null).path("ready").asBoolean());
            ObjectNode wanted = JSON.createObjectNode();
            ObjectNode always = wanted.putObject("capabilities").putObject("alwaysMatch");
            always.put("browserName", "chrome");
            always.putObject("goog:loggingPrefs").put("browser", "ALL");
            ObjectNode options = always.putObject("goog:chromeOptions");
            options.put("binary", program.toString());
            options.putArray("args")
                    .add("--headless=new")
                    .add("--no-sandbox")
                    .add("--disable-dev-shm-usage")
                    .add("--disable-gpu")
                    .add("--window-size=1600,1000");
            session = "/session/"
                    + call("POST", "/session", wanted).path("sessionId").asText();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A browser; skips the test where none is installed. */
    static Browser open() {
        Optional<Path> program = program("chromium");
        Optional<Path> driver = program("chromedriver");
        Assumptions.assumeTrue(
                program.isPresent() && driver.isPresent(),
                "No browser is installed: apt-get install --no-install-recommends chromium chromium-driver");
        return new Browser(program.orElseThrow(), driver.orElseThrow());
    }

    private static Optional<Path> program(String name) {
        return Stream.of(System.getenv("PATH").split(":"))
                .map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable)
                .findFirst();
    }

    void go(String url) {
        call("POST", session + "/url", JSON.createObjectNode().put("url", url));
    }

    void size(int width, int height) {
        ObjectNode metrics = command("Emulation.setDeviceMetricsOverride");
        metrics.putObject("params")
                .put("width", width)
                .put("height", height)
                .put("deviceScaleFactor", 1)
                .put("mobile", false);
        call("POST", session + "/goog/cdp/execute", metrics);
    }

    private static ObjectNode command(String name) {
        return JSON.createObjectNode().put("cmd", name);
    }

    void scheme(String scheme) {
        ObjectNode command = command("Emulation.setEmulatedMedia");
        command.putObject("params")
                .putArray("features")
                .addObject()
                .put("name", "prefers-color-scheme")
                .put("value", scheme);
        call("POST", session + "/goog/cdp/execute", command);
    }

    /** From here on files are downloaded into a folder, without a question. They have their name when they are complete. */
    void downloadTo(Path folder) {
        ObjectNode command = command("Browser.setDownloadBehavior");
        command.putObject("params")
                .put("behavior", "allow")
                .put("downloadPath", folder.toAbsolutePath().toString());
        call("POST", session + "/goog/cdp/execute", command);
    }

    JsonNode script(String script, Object... arguments) {
        ObjectNode body = JSON.createObjectNode().put("script", script);
        body.set("args", JSON.valueToTree(arguments));
        return call("POST", session + "/execute/sync", body);
    }

    /** All text that a selector finds. */
    List<String> texts(String selector) {
        List<String> texts = new ArrayList<>();
        script(FIND + "return found.map((e) => e.innerText ?? e.textContent);", selector)
                .forEach(text -> texts.add(text.asText()));
        return texts;
    }

    void awaitText(String selector, String part) {
        try {
            Awaitility.await().atMost(PATIENCE).until(() -> texts(selector).stream()
                    .anyMatch(text -> text.contains(part)));
        } catch (ConditionTimeoutException e) {
            picture("not-found");
            throw new AssertionError(
                    selector + " never says " + part + ", but " + texts(selector) + "; the page: "
                            + texts("h1, [role=alert], [role=status]"),
                    e);
        }
    }

    void await(String selector) {
        Awaitility.await(selector).atMost(PATIENCE).until(() -> !texts(selector).isEmpty());
    }

    /** Clicks what is found first, as a person does: where it stands. */
    void click(String selector) {
        await(selector);
        call("POST", session + "/element/" + element(selector) + "/click", JSON.createObjectNode());
    }

    /** Replaces what is in a field. */
    void type(String selector, String text) {
        await(selector);
        String element = element(selector);
        call("POST", session + "/element/" + element + "/clear", JSON.createObjectNode());
        call(
                "POST",
                session + "/element/" + element + "/value",
                JSON.createObjectNode().put("text", text));
    }

    private String element(String selector) {
        return script(FIND + "return found[0];", selector).elements().next().asText();
    }

    /** What the console says of violations of the policy, and of errors. */
    List<String> complaints() {
        List<String> complaints = new ArrayList<>();
        call("POST", session + "/se/log", JSON.createObjectNode().put("type", "browser"))
                .forEach(entry -> {
                    // Answers of 4xx are what some tests ask for.
                    if (!entry.path("message").asText().contains("Failed to load resource")) {
                        complaints.add(entry.path("message").asText());
                    }
                });
        return complaints;
    }

    void picture(String name) {
        pictureTo(PICTURES.resolve(name + ".png"));
    }

    void pictureTo(Path file) {
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.write(
                    file,
                    Base64.getDecoder()
                            .decode(call("GET", session + "/screenshot", null).asText()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private JsonNode call(String method, String path, @Nullable ObjectNode body) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + path))
                .timeout(PATIENCE)
                .header("Content-Type", "application/json")
                .method(
                        method,
                        body == null
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body.toString()))
                .build();
        try {
            JsonNode value = JSON.readTree(HTTP.send(request, HttpResponse.BodyHandlers.ofString())
                            .body())
                    .path("value");
            if (value.has("error")) {
                throw new IllegalStateException(
                        path + ": " + value.path("message").asText());
            }
            return value;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        try {
            call("DELETE", session, null);
        } finally {
            driver.destroy();
        }
    }
}
