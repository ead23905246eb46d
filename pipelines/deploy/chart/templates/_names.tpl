{{- define "vtspec.labels" -}}
app.kubernetes.io/name: vtspec
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "vtspec.bucket" -}}
{{- regexReplaceAll "^s3://([^/]+).*$" .Values.store.url "${1}" -}}
{{- end }}

{{- define "vtspec.storage" -}}
{{- printf "%s-storage" .Release.Name -}}
{{- end }}

{{- define "vtspec.mlflow" -}}
{{- printf "%s-mlflow" .Release.Name -}}
{{- end }}

{{- define "vtspec.storeSecret" -}}
{{- .Values.store.existingSecret | default .Values.store.secret -}}
{{- end }}

{{/* The key of the storage of this chart: the one given, the one it has, or a new one. */}}
{{- define "vtspec.storageKey" -}}
{{- $there := lookup "v1" "Secret" .Release.Namespace (include "vtspec.storage" .) -}}
{{- if .Values.store.secretAccessKey -}}
{{- .Values.store.secretAccessKey -}}
{{- else if $there -}}
{{- index $there.data "AWS_SECRET_ACCESS_KEY" | b64dec -}}
{{- else -}}
{{- randAlphaNum 40 -}}
{{- end -}}
{{- end }}

{{/* Peers and ports of one entry of `network`, without the addresses that are never reached. */}}
{{- define "vtspec.egress" -}}
- to:
    {{- range .entry.cidrs }}
    - ipBlock:
        cidr: {{ . }}
        {{- if eq . "0.0.0.0/0" }}
        except: {{ toJson $.never }}
        {{- end }}
    {{- end }}
  ports:
    {{- range .entry.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}

{{/* What every container of this chart keeps to, and no more. */}}
{{- define "vtspec.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "vtspec.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "vtspec.resources" -}}
requests: {cpu: {{ .cpus | quote }}, memory: {{ .memory }}, ephemeral-storage: 2Gi}
limits: {memory: {{ .memory }}, ephemeral-storage: 2Gi}
{{- end }}
