{{/* The pod of realtime; with `mode: asgi` it is the api's image, and migrates as the api's pods do. */}}
{{- define "tandem.realtimeSpec" -}}
{{- $asgi := eq .Values.mode "asgi" -}}
{{- $command := .Values.realtime.command -}}
{{- if and $asgi (not (or $command .Values.realtime.args)) }}{{ $command = list "python" "-m" "tandem_realtime" }}{{ end -}}
serviceAccountName: {{ include "tandem.fullname" . }}-realtime
{{ include "tandem.pod" (list . 10001) }}
{{ include "tandem.spread" (list . "realtime") }}
terminationGracePeriodSeconds: {{ .Values.realtime.terminationGracePeriodSeconds }}
{{- if $asgi }}
{{ include "tandem.apiInitContainers" . }}
  {{- include "tandem.guests" .Values.realtime.initContainers | nindent 2 }}
{{- else if .Values.realtime.initContainers }}
initContainers:
  {{- include "tandem.guests" .Values.realtime.initContainers | nindent 2 }}
{{- end }}
containers:
  - name: realtime
    image: {{ include "tandem.image" (list . (ternary .Values.api.image .Values.realtime.image $asgi)) }}
    {{- include "tandem.container" . | nindent 4 }}
    {{- with $command }}
    command:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .Values.realtime.args }}
    args:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    ports:
      - {name: http, containerPort: 8100, protocol: TCP}
      - {name: metrics, containerPort: 8101, protocol: TCP}
    env:
      {{- include "tandem.realtimeEnv" . | nindent 6 }}
    {{- with concat .Values.realtime.envFrom (ternary .Values.api.envFrom list (eq (include "tandem.realtimeIsProject" .) "yes")) }}
    envFrom:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    lifecycle:
      preStop:
        sleep: {seconds: {{ .Values.realtime.preStopSeconds }}}
    startupProbe:
      httpGet: {path: /healthz, port: metrics}
      periodSeconds: 2
      failureThreshold: 60
    livenessProbe:
      httpGet: {path: /healthz, port: metrics}
      timeoutSeconds: 5
      failureThreshold: 6
    readinessProbe:
      httpGet: {path: /readyz, port: metrics}
      periodSeconds: 5
      timeoutSeconds: 5
      failureThreshold: 2
    resources:
      {{- toYaml .Values.realtime.resources | nindent 6 }}
    volumeMounts:
      {{- if $asgi }}
      {{- include "tandem.apiMounts" . | nindent 6 }}
      {{- else }}
      - name: tmp
        mountPath: /tmp
      {{- include (ternary "tandem.caMounts" "tandem.redisCAMount" .Values.realtime.project) . | indent 6 }}
      {{- end }}
      {{- with .Values.realtime.volumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
  {{- if and $asgi .Values.sqlite.enabled .Values.outbox.enabled }}
  {{- include "tandem.outboxContainer" . | nindent 2 }}
  {{- end }}
  {{- if $asgi }}
  {{- include "tandem.guests" .Values.api.sidecars | nindent 2 }}
  {{- end }}
  {{- include "tandem.guests" .Values.realtime.sidecars | nindent 2 }}
volumes:
  {{- if $asgi }}
  {{- include "tandem.apiVolumes" . | nindent 2 }}
  {{- else }}
  - name: tmp
    emptyDir: {}
  {{- include (ternary "tandem.caVolumes" "tandem.redisCAVolume" .Values.realtime.project) . | indent 2 }}
  {{- end }}
  {{- with .Values.realtime.volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
