{{/* Names and labels. */}}

{{- define "tandem.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "tandem.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "tandem.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "tandem.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* Labels that select the pods of a component: include "tandem.selector" (list $ "api"). They never change. */}}
{{- define "tandem.selector" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: {{ include "tandem.name" $ }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Labels of an object. Never of a pod: a new chart version would restart every pod. */}}
{{- define "tandem.labels" -}}
{{- $ := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
{{ include "tandem.selector" . }}
{{- end }}

{{- define "tandem.secret" -}}
{{- default (include "tandem.fullname" .) .Values.secrets.existingSecret -}}
{{- end }}

{{/* Our own images take the appVersion as their tag unless they name a tag or a digest. */}}
{{- define "tandem.image" -}}
{{- $ := index . 0 -}}
{{- $image := index . 1 -}}
{{- if or (contains "@" $image) (contains ":" (splitList "/" $image | last)) -}}
{{- $image -}}
{{- else -}}
{{- printf "%s:%s" $image $.Chart.AppVersion -}}
{{- end -}}
{{- end }}

{{/* Who answers plain HTTP, and who answers /ws. */}}
{{- define "tandem.httpService" -}}
{{- printf "%s-%s" (include "tandem.fullname" .) (ternary "realtime" "api" (eq .Values.mode "asgi")) -}}
{{- end }}

{{- define "tandem.wsService" -}}
{{- printf "%s-%s" (include "tandem.fullname" .) (ternary "realtime" "api" .Values.realtime.enabled) -}}
{{- end }}
