{{/* The pod of the load Job: each of its completions is one shard of the clients. */}}
{{- define "tandem.loadPod" -}}
{{- include "tandem.template" (dict "root" . "component" "load" "spec" (include "tandem.loadSpec" .) "given" (list .Values.load.pod)) -}}
{{- end }}

{{- define "tandem.loadSpec" -}}
restartPolicy: Never
{{ include "tandem.pod" (list . 10001) }}
containers:
  - name: load
    image: {{ include "tandem.image" (list . .Values.load.image) }}
    {{- include "tandem.container" . | nindent 4 }}
    command:
      {{- concat (list "python" "-m" "loadgen") (.Values.load.args | default (list "verify" "--clients=500" "--duration=60")) | toYaml | nindent 6 }}
    env:
      {{- include "tandem.busEnv" . | nindent 6 }}
      - name: LOADGEN_URL
        value: ws://{{ include "tandem.wsService" . }}/ws/
      - name: LOADGEN_SHARDS
        value: {{ .Values.load.parallelism | quote }}
    resources:
      {{- toYaml .Values.load.resources | nindent 6 }}
    volumeMounts:
      - name: tmp
        mountPath: /tmp
      {{- include "tandem.redisCAMount" . | indent 6 }}
volumes:
  - name: tmp
    emptyDir: {}
  {{- include "tandem.redisCAVolume" . | indent 2 }}
{{- end }}
