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

{{- define "vtspec.controller" -}}
{{- printf "%s-controller" .Release.Name -}}
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

{{/* What addresses of a range begin with: the family, and the bits that they share. One range lies in
     another where its text begins with the other's. */}}
{{- define "vtspec.prefixBits" -}}
{{- $parts := splitList "/" .cidr -}}
{{- $address := index $parts 0 -}}
{{- $family := ternary "6" "4" (contains ":" $address) -}}
{{- $bits := "" -}}
{{- if eq $family "4" -}}
{{- range splitList "." $address }}{{ $bits = printf "%s%08b" $bits (atoi .) }}{{ end -}}
{{- else if not (contains "." $address) -}}
{{- $halves := splitList "::" $address -}}
{{- $groups := index $halves 0 | splitList ":" | compact -}}
{{- if eq (len $halves) 2 -}}
{{- $last := index $halves 1 | splitList ":" | compact -}}
{{- range until (add (len $groups) (len $last) | sub 8 | max 0 | int) }}{{ $groups = append $groups "0" }}{{ end -}}
{{- $groups = concat $groups $last -}}
{{- end -}}
{{- range $groups }}{{ $bits = printf "%s%016b" $bits (int64 (printf "0x%s" .)) }}{{ end -}}
{{- end -}}
{{- $shared := atoi (index $parts 1) -}}
{{- $whole := ternary 128 32 (eq $family "6") -}}
{{- if or (ne (len $bits) $whole) (gt $shared $whole) -}}
{{- fail (printf "%s: %s is no range of addresses; write it like 10.0.0.0/8 or fd00::/8" .where .cidr) -}}
{{- end -}}
{{- printf "%s:%s" $family (trunc $shared $bits) -}}
{{- end }}

{{/* Peers and ports of one entry of `network`, without the addresses that are never reached. */}}
{{- define "vtspec.egress" -}}
- to:
    {{- range .entry.cidrs }}
    - ipBlock:
        cidr: {{ . }}
        {{- $bits := include "vtspec.prefixBits" (dict "cidr" . "where" "network") }}
        {{- $inside := list }}
        {{- range $.never }}
        {{- if hasPrefix $bits (include "vtspec.prefixBits" (dict "cidr" . "where" "network.never")) }}
        {{- $inside = append $inside . }}
        {{- end }}
        {{- end }}
        {{- with $inside }}
        except: {{ toJson . }}
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
