{{- define "bitopro-margin-exporter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 52 characters, because a StatefulSet's pods carry a label of its name and a hash. */}}
{{- define "bitopro-margin-exporter.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "bitopro-margin-exporter.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "bitopro-margin-exporter.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "bitopro-margin-exporter.selector" -}}
app.kubernetes.io/name: {{ include "bitopro-margin-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* The pod of `helm test`: another name, so that nothing selects it as an exporter. */}}
{{- define "bitopro-margin-exporter.testSelector" -}}
app.kubernetes.io/name: {{ include "bitopro-margin-exporter.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/*
The labels of an object, from a list: the root, then maps of the object's own labels. A later map
wins, but nothing replaces the labels that select the pods.
*/}}
{{- define "bitopro-margin-exporter.labels" -}}
{{- $root := first . -}}
{{- $labels := dict
  "app.kubernetes.io/part-of" "bitopro-margin-exporter"
  "app.kubernetes.io/version" $root.Chart.AppVersion
  "app.kubernetes.io/managed-by" $root.Release.Service
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_")
-}}
{{- range prepend (rest .) $root.Values.commonLabels -}}
{{- $labels = mergeOverwrite $labels (default dict .) -}}
{{- end -}}
{{- mergeOverwrite $labels (include "bitopro-margin-exporter.selector" $root | fromYaml) | toYaml -}}
{{- end -}}

{{- define "bitopro-margin-exporter.image" -}}
{{- with .Values.image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .Values.image.repository -}}
{{- if .Values.image.digest -}}
@{{ .Values.image.digest }}
{{- else -}}
:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "bitopro-margin-exporter.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "bitopro-margin-exporter.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "bitopro-margin-exporter.configMapName" -}}
{{- .Values.existingConfigMap | default (include "bitopro-margin-exporter.fullname" .) -}}
{{- end -}}

{{/* Non-empty if the Service has no address of its own, so that its name leads to the pods. */}}
{{- define "bitopro-margin-exporter.isHeadless" -}}
{{- if and (eq .Values.service.type "ClusterIP") (eq .Values.service.clusterIP "None") }}true{{ end -}}
{{- end -}}

{{/*
The security contexts, unless values replace them: {} is none. Helm would merge maps of values.yaml
with those of a user, and an umbrella chart's null does not remove a key.
*/}}
{{- define "bitopro-margin-exporter.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "bitopro-margin-exporter.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* What the exporter's pods and the pod of `helm test` have in common. */}}
{{- define "bitopro-margin-exporter.pod" -}}
serviceAccountName: {{ include "bitopro-margin-exporter.serviceAccountName" . }}
automountServiceAccountToken: false
# A Service named bitopro-... would otherwise become variables BITOPRO_..., and the exporter
# refuses to start with any that it does not know.
enableServiceLinks: false
{{- with ternary (include "bitopro-margin-exporter.podSecurityContext" . | fromYaml) .Values.podSecurityContext (kindIs "invalid" .Values.podSecurityContext) }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Likewise of their containers. */}}
{{- define "bitopro-margin-exporter.container" -}}
image: {{ include "bitopro-margin-exporter.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with ternary (include "bitopro-margin-exporter.securityContext" . | fromYaml) .Values.securityContext (kindIs "invalid" .Values.securityContext) }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Non-empty if a probe of the values says itself what is asked. */}}
{{- define "bitopro-margin-exporter.hasHandler" -}}
{{- range list "exec" "grpc" "httpGet" "tcpSocket" }}{{ if hasKey $ . }}true{{ end }}{{ end -}}
{{- end -}}

{{/* A probe, from a list: the root, the path to ask, and the probe of the values. */}}
{{- define "bitopro-margin-exporter.probe" -}}
{{- $root := index . 0 -}}
{{- $handler := dict -}}
{{- if include "bitopro-margin-exporter.hasHandler" (index . 2) -}}
{{- else if $root.Values.web.demandsClientCertificates -}}
{{- $handler = dict "tcpSocket" (dict "port" "metrics") -}}
{{- else -}}
{{- $handler = dict "httpGet" (dict "path" (index . 1) "port" "metrics" "scheme" $root.Values.web.scheme) -}}
{{- end -}}
{{- omit (mergeOverwrite $handler (index . 2)) "enabled" | toYaml -}}
{{- end -}}
