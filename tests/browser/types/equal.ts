// Ours and those of npm `web-vitals` stand for each other, each way, and have the same properties.

import type * as ours from 'beamline-rum/web-vitals';
import type * as oursAttributed from 'beamline-rum/web-vitals/attribution';
import type * as theirs from 'web-vitals';
import type * as theirsAttributed from 'web-vitals/attribution';
import type { Same } from './same.js';

export const same: 'both ways'[] = [
  '' as Same<ours.Metric, theirs.Metric>,
  '' as Same<ours.MetricType, theirs.MetricType>,
  '' as Same<ours.MetricWithAttribution, theirs.MetricWithAttribution>,
  '' as Same<ours.MetricRatingThresholds, theirs.MetricRatingThresholds>,
  '' as Same<ours.ReportCallback, theirs.ReportCallback>,
  '' as Same<ours.ReportOpts, theirs.ReportOpts>,
  '' as Same<ours.AttributionReportOpts, theirs.AttributionReportOpts>,
  '' as Same<ours.LoadState, theirs.LoadState>,
  '' as Same<ours.CLSMetric, theirs.CLSMetric>,
  '' as Same<ours.CLSAttribution, theirs.CLSAttribution>,
  '' as Same<ours.CLSMetricWithAttribution, theirs.CLSMetricWithAttribution>,
  '' as Same<ours.FCPMetric, theirs.FCPMetric>,
  '' as Same<ours.FCPAttribution, theirs.FCPAttribution>,
  '' as Same<ours.FCPMetricWithAttribution, theirs.FCPMetricWithAttribution>,
  '' as Same<ours.INPReportOpts, theirs.INPReportOpts>,
  '' as Same<ours.INPAttributionReportOpts, theirs.INPAttributionReportOpts>,
  '' as Same<ours.INPMetric, theirs.INPMetric>,
  '' as Same<ours.INPLongestScriptSummary, theirs.INPLongestScriptSummary>,
  '' as Same<ours.INPAttribution, theirs.INPAttribution>,
  '' as Same<ours.INPMetricWithAttribution, theirs.INPMetricWithAttribution>,
  '' as Same<ours.LCPMetric, theirs.LCPMetric>,
  '' as Same<ours.LCPAttribution, theirs.LCPAttribution>,
  '' as Same<Omit<ours.LCPAttributionReportOpts, 'timeLimit'>, theirs.LCPAttributionReportOpts>,
  '' as Same<ours.LCPMetricWithAttribution, theirs.LCPMetricWithAttribution>,
  '' as Same<ours.TTFBMetric, theirs.TTFBMetric>,
  '' as Same<ours.TTFBAttribution, theirs.TTFBAttribution>,
  '' as Same<ours.TTFBMetricWithAttribution, theirs.TTFBMetricWithAttribution>,

  '' as Same<ours.LayoutShift, LayoutShift>,
  '' as Same<ours.LayoutShiftAttribution, LayoutShiftAttribution>,
  '' as Same<ours.InteractionContentfulPaint, InteractionContentfulPaint>,
  '' as Same<ours.PerformanceSoftNavigation, PerformanceSoftNavigation>,
  '' as Same<ours.PerformanceScriptTiming, PerformanceScriptTiming>,
  '' as Same<ours.PerformanceLongAnimationFrameTiming, PerformanceLongAnimationFrameTiming>,

  '' as Same<Pick<typeof ours, keyof typeof theirs>, typeof theirs>,
  '' as Same<Pick<typeof oursAttributed, keyof typeof theirsAttributed>, typeof theirsAttributed>,
];
