@org.jspecify.annotations.NullMarked
package dev.perdure.step.http;
