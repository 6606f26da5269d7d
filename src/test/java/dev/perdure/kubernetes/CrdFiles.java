package dev.perdure.kubernetes;

import dev.perdure.kubernetes.api.DurableSchedule;
import dev.perdure.kubernetes.api.DurableWorkflow;
import io.fabric8.crdv2.generator.CRDGenerator;
import io.fabric8.crdv2.generator.CustomResourceInfo;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceColumnDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinitionVersion;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The custom resource definitions that the model in {@code kubernetes.api} means: what the generator makes of it, with what
 * it has no annotation for: the order of the columns, the keys of lists, and durations.
 */
final class CrdFiles {

    static final Path FOLDER = Path.of("k8s", "crds");
    private static final List<String> COLUMNS = List.of(
            "Phase",
            "Progress",
            "Instance",
            "Role",
            "Schedule",
            "Time Zone",
            "Suspend",
            "Last Schedule",
            "Age",
            "Reason",
            "Next Schedule");
    /** By path below the version's schema: the member that tells the items of a list apart. */
    private static final Map<String, String> LIST_KEYS =
            Map.of("status.conditions", "type", "spec.vars", "name", "spec.workflowTemplate.spec.vars", "name");

    private static final Set<String> DURATIONS =
            Set.of("sleep", "timeout", "initialDelay", "maxDelay", "every", "within", "lease");

    private CrdFiles() {}

    /** The files by name, generated now. */
    static Map<String, String> generated() {
        try {
            Path folder = Files.createTempDirectory("perdure-crds");
            try {
                new CRDGenerator()
                        .customResources(
                                CustomResourceInfo.fromClass(DurableWorkflow.class),
                                CustomResourceInfo.fromClass(DurableSchedule.class))
                        .inOutputDir(folder.toFile())
                        .generate();
                Map<String, String> files = new TreeMap<>();
                for (Path file : list(folder)) {
                    CustomResourceDefinition definition =
                            Serialization.unmarshal(Files.readString(file), CustomResourceDefinition.class);
                    definition.getSpec().getVersions().forEach(CrdFiles::complete);
                    files.put(
                            definition.getMetadata().getName() + ".yaml",
                            "# Generated from dev.perdure.kubernetes.api; ./mvnw test -Dtest=CrdFilesTest -Dperdure.crds.write=true\n"
                                    + Serialization.asYaml(definition));
                }
                return files;
            } finally {
                for (Path file : list(folder)) {
                    Files.delete(file);
                }
                Files.delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Path> list(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    /** A number of seconds or a text with a unit: the generator knows both only as anything at all. */
    private static void typeDurations(JSONSchemaProps schema) {
        if (schema.getProperties() != null) {
            schema.getProperties().forEach((name, member) -> {
                if (DURATIONS.contains(name) && member.getType() == null) {
                    member.setXKubernetesPreserveUnknownFields(null);
                    member.setXKubernetesIntOrString(true);
                }
                typeDurations(member);
            });
        }
        if (schema.getItems() != null && schema.getItems().getSchema() != null) {
            typeDurations(schema.getItems().getSchema());
        }
    }

    private static void complete(CustomResourceDefinitionVersion version) {
        typeDurations(version.getSchema().getOpenAPIV3Schema());
        List<CustomResourceColumnDefinition> columns = new ArrayList<>(version.getAdditionalPrinterColumns());
        columns.sort(Comparator.comparingInt(column -> COLUMNS.indexOf(column.getName())));
        version.setAdditionalPrinterColumns(columns);
        version.getSchema().getOpenAPIV3Schema().setRequired(List.of("spec"));
        LIST_KEYS.forEach((path, key) -> {
            JSONSchemaProps schema = version.getSchema().getOpenAPIV3Schema();
            for (String member : path.split("\\.")) {
                schema = schema == null ? null : schema.getProperties().get(member);
            }
            if (schema != null) {
                schema.setXKubernetesListType("map");
                schema.setXKubernetesListMapKeys(List.of(key));
            }
        });
    }
}
