{{- define "perdure.name" -}}
{{- if contains "perdure" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-perdure" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end -}}
{{- end -}}

{{- define "perdure.serviceAccount" -}}
{{- default (include "perdure.name" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- /* With several databases there is no one leader. */}}
{{- define "perdure.hasLeaderService" -}}
{{- if and .Values.leaderService.enabled (not .Values.databases) }}true{{ end -}}
{{- end -}}

{{- define "perdure.selector" -}}
app.kubernetes.io/name: perdure
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: worker
{{- end -}}

{{- define "perdure.labels" -}}
app.kubernetes.io/name: perdure
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: perdure
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "perdure.config" -}}
{{- if .Values.operator.enabled -}}
{{- with .Values.operator.namespaces }}
perdure.kubernetes.namespaces={{ join "," . }}
{{- end }}
{{- range $namespace, $roles := .Values.operator.roles }}
{{- $escaped := list }}
{{- range $role := $roles }}
{{- /* For the list, in which a comma ends a name, and for the file, in which a backslash begins a sign. */}}
{{- $escaped = append $escaped ($role | replace "\\" "\\\\\\\\" | replace "," "\\\\,") }}
{{- end }}
perdure.kubernetes.roles.{{ $namespace | quote }}={{ join "," $escaped }}
{{- end }}
{{- end -}}
{{- end -}}
