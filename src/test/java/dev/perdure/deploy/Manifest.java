package dev.perdure.deploy;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.cfg.MapperConfig;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.yaml.snakeyaml.Yaml;

/**
 * One document of a YAML file.
 *
 * @param content maps, lists and scalars
 */
record Manifest(Path file, Map<String, Object> content) {

    private static final KubernetesSerialization KUBERNETES = new KubernetesSerialization();

    /** The model of Kubernetes takes any member; this one does not. */
    private static final JsonMapper STRICT = JsonMapper.builder()
            .annotationIntrospector(new JacksonAnnotationIntrospector() {
                @Override
                public Boolean hasAnySetter(Annotated annotated) {
                    return Boolean.FALSE;
                }

                @Override
                public JsonIgnoreProperties.Value findPropertyIgnoralByName(
                        MapperConfig<?> config, Annotated annotated) {
                    return JsonIgnoreProperties.Value.empty();
                }
            })
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    /** All documents below a folder, of the files {@code *.yaml}; without Helm's templates and charts. */
    static List<Manifest> below(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".yaml"))
                    .filter(file -> !file.startsWith(Path.of("deploy", "helm")))
                    .sorted()
                    .flatMap(file -> of(file).stream())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The documents of one file. */
    static List<Manifest> of(Path file) {
        try {
            return of(file, Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The documents of a text. */
    static List<Manifest> of(Path origin, String text) {
        List<Manifest> manifests = new ArrayList<>();
        for (Object document : new Yaml().loadAll(text)) {
            if (document instanceof Map<?, ?> map) {
                @SuppressWarnings("unchecked")
                Map<String, Object> content = (Map<String, Object>) map;
                manifests.add(new Manifest(origin, content));
            } else if (document != null) {
                throw new IllegalArgumentException(origin + " holds a document that is no object");
            }
        }
        return manifests;
    }

    String kind() {
        return String.valueOf(content.get("kind"));
    }

    String name() {
        return String.valueOf(at("metadata", "name"));
    }

    /** What lies at a path of member names; null when nothing does. */
    @SuppressWarnings("NullAway")
    Object at(String... path) {
        Object found = content;
        for (String member : path) {
            found = found instanceof Map<?, ?> map ? map.get(member) : null;
        }
        return found;
    }

    /**
     * Reads it as the resource that it says it is, and fails on a member that the resource does not have, or one of the wrong
     * type.
     *
     * @return empty for kinds that Kubernetes itself does not have
     */
    Optional<HasMetadata> strict() {
        Object resource = KUBERNETES.unmarshal(KUBERNETES.asJson(content));
        if (resource instanceof GenericKubernetesResource || !(resource instanceof HasMetadata)) {
            return Optional.empty();
        }
        return Optional.of((HasMetadata) STRICT.convertValue(content, resource.getClass()));
    }

    @Override
    public String toString() {
        return file + " " + kind() + " " + name();
    }
}
